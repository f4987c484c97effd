"""The command that asks the issuers of a configuration for their keys: `credvend-admin check-issuers`."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chalicelib.configuration.issuer_warnings import issuer_warnings
from chalicelib.configuration.trusted_issuers import load_trusted_issuers
from chalicelib.errors import ConfigError
from ops.building.source_tree import SHIPPED_CONFIG
from ops.environments import ROOT
from ops.errors import OperationFailed
from ops.issuer_checks.check import Checked, check_issuers, is_without_network
from ops.stages.stage import DEFAULT_STAGE, LOCAL_STAGE, stages
from ops.terminal.columns import columns
from ops.terminal.say import escaped, say

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_COLUMNS: Final = ("Issuer", "Result", "Details")


def add_check_issuers(groups: "Commands") -> None:
    """Add `check-issuers` to the groups of a command line. It sets `run`, which raises `OperationFailed`."""
    about = "ask each issuer of issuers.yaml for its keys, as the service would, from this machine"
    parser = groups.add_parser("check-issuers", help=about, description=about)
    parser.add_argument(
        "--config", type=Path, default=ROOT / SHIPPED_CONFIG, help="a directory with issuers.yaml of your own"
    )
    parser.add_argument("--stage", default=DEFAULT_STAGE, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=_run, calls_aws=False)


def _run(options: argparse.Namespace) -> None:
    if options.stage not in stages(ROOT):
        raise OperationFailed(f"No stage {options.stage!r}. There are: {', '.join(stages(ROOT))}.")
    if not options.config.is_dir():
        raise OperationFailed(f"{options.config} is not a directory.")
    local = options.stage == LOCAL_STAGE  # the only one that lets issuers do without TLS
    try:
        issuers = [trusted.issuer for trusted in load_trusted_issuers(options.config, local).values()]
    except ConfigError as error:
        raise OperationFailed(str(error)) from None
    for warning in issuer_warnings(issuers):
        say(f"Warning: {escaped(warning)}")
    checked = check_issuers(issuers, options.config, local)
    offline = is_without_network(checked)
    if options.json:
        print(json.dumps([_described(one) for one in checked], indent=2))
    elif checked:
        print(columns(_COLUMNS, [_row(one, offline) for one in checked]))
    else:
        say(f"There are no issuers in {options.config / 'issuers.yaml'}.")
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
