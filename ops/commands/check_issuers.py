"""The command that asks the issuers of a configuration for their keys: `credvend-admin check-issuers`."""

import json
from pathlib import Path
from typing import Final

import click

from chalicelib.configuration.issuer_warnings import issuer_warnings
from chalicelib.configuration.trusted_issuers import load_trusted_issuers
from chalicelib.errors import ConfigError
from ops.commands.options import config_option, expect_stage, json_option, stage_option
from ops.errors import OperationFailed
from ops.issuer_checks.check import Checked, check_issuers, is_without_network
from ops.stages.stage import LOCAL_STAGE
from ops.terminal.columns import columns
from ops.terminal.say import escaped, say

_COLUMNS: Final = ("Issuer", "Result", "Details")


@click.command("check-issuers")
@config_option
@stage_option
@json_option
def check_issuers_command(config: Path, stage: str, as_json: bool) -> None:
    """Ask each issuer of issuers.yaml for its keys, as the service would, from this machine."""
    expect_stage(stage)
    local = stage == LOCAL_STAGE  # the only one that lets issuers do without TLS
    try:
        issuers = [trusted.issuer for trusted in load_trusted_issuers(config, local).values()]
    except ConfigError as error:
        raise OperationFailed(str(error)) from None
    for warning in issuer_warnings(issuers):
        say(f"Warning: {escaped(warning)}")
    checked = check_issuers(issuers, config, local)
    offline = is_without_network(checked)
    if as_json:
        print(json.dumps([_described(one) for one in checked], indent=2))
    elif checked:
        print(columns(_COLUMNS, [_row(one, offline) for one in checked]))
    else:
        say(f"There are no issuers in {config / 'issuers.yaml'}.")
    if offline:
        raise OperationFailed(
            "No issuer could be asked: this machine has no network, or cannot look up names. Where it can, try again."
        )
    failed = sum(one.trouble is not None for one in checked)
    if failed:
        raise OperationFailed(f"{failed} of {len(checked)} issuers failed.")


def _described(checked: Checked) -> dict[str, object]:
    return {
        "Name": checked.issuer.name,
        "Issuer": checked.issuer.url,
        "Ok": checked.trouble is None,
        "Keys": checked.keys,
        "From": checked.keys_from,
        "Problem": checked.trouble and checked.trouble.what,
        "Advice": checked.trouble and checked.trouble.advice,
    }


def _row(checked: Checked, offline: bool) -> dict[str, object]:
    trouble = checked.trouble
    if trouble is None:
        keys = "1 key" if checked.keys == 1 else f"{checked.keys} keys"
        return {"Issuer": checked.issuer.name, "Result": "ok", "Details": f"{keys} from {checked.keys_from}"}
    if offline:
        return {"Issuer": checked.issuer.name, "Result": "not asked", "Details": ""}
    details = f"{trouble.what}. {trouble.advice}"
    return {"Issuer": checked.issuer.name, "Result": "failed", "Details": escaped(details)}
