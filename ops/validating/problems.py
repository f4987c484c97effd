"""Every check that deployment makes of a configuration directory, as far as it needs no AWS, and each problem at once.

Where the catalog or the issuers are not in order, policies are checked against the schema alone: what they name cannot
be looked up. It is said, and the next run tells the rest.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.source import NotLookedUp, WrittenConfiguration, read_source
from chalicelib.errors import ConfigError
from ops.aws.partition import check_partition
from ops.building.configuration_files import SCHEMA, problems_of_directory
from ops.building.source_tree import SHIPPED_CONFIG
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.faults.findings import Finding, found
from ops.policy_tests.read import read_tests
from ops.stages.read_stage_file import check_region, read_stage_file
from ops.template.overlay import merge_overlay, read_overlay
from ops.template.role_policies import check_fit
from ops.template.template_to_be import template_to_be

NOT_LOOKED_UP: Final = (
    "policies and sessions.yaml name roles and issuers that cannot be looked up before these files are in order: "
    "validate again then"
)
_T = TypeVar("_T")


def validate(config: Path, region: str | None) -> list[Finding]:
    """All that is wrong, in the order of files and lines; then what is likely wrong.

    Args:
        region: where it will be deployed, if that is known.
    """
    messages = problems_of_directory(config)
    if not _is_worth_reading(config):
        return list(found(config, "error", messages))
    in_directory = len(messages)
    attempt = _Attempts(messages)
    stage = attempt(lambda: read_stage_file(config))
    if stage is not None:
        attempt(lambda: check_region(stage, region))
    overlay, template = attempt(lambda: read_overlay(config)), template_to_be(ROOT)
    if overlay is not None and template is not None:
        attempt(lambda: merge_overlay(template, overlay))
    attempt(lambda: read_tests(config))
    written = _written(config, attempt)
    if written is not None:
        catalog, operator_role = written.catalog, written.configuration.sessions.operator_role
        attempt(lambda: check_partition(catalog.roles, region))
        attempt(lambda: check_fit(catalog, operator_role))
    findings = list(found(config, "error", _told_once(messages, in_directory)))
    if not attempt.looked_up:
        findings.append(Finding("warning", NOT_LOOKED_UP))
    elif written is not None and not findings:
        findings += found(config, "warning", configuration_warnings(written))
    return sorted(dict.fromkeys(findings), key=_place)


def _is_worth_reading(config: Path) -> bool:
    """Whether there is anything in it."""
    try:
        return any(config.iterdir())
    except OSError:
        return False


def _told_once(messages: list[str], in_directory: int) -> Iterator[str]:
    """Without what follows from a file or a folder not being there, or not being readable.

    Args:
        in_directory: so many of them, the first, tell that.
    """
    yield from messages[:in_directory]
    before = " ".join(messages[:in_directory])
    for message in messages[in_directory:]:
        name, _, rest = message.partition(": ")
        follows = rest.startswith(("cannot be read: ", "no *.cedar file there", "not a *.cedar file"))
        if not (follows and name.rstrip("/") in before):
            yield message


def _place(one: Finding) -> tuple[bool, str, int]:
    return one.severity == "warning", one.file or "", one.line or 0


def _written(config: Path, attempt: "_Attempts") -> WrittenConfiguration | None:
    schema = None if (config / SCHEMA).exists() else ROOT / SHIPPED_CONFIG / SCHEMA
    try:
        return read_source(config, allow_loopback_http=True, schema=schema)
    except NotLookedUp as error:
        attempt.looked_up = False
        attempt.messages += error.problems
    except ConfigError as error:
        attempt.messages += error.problems
    return None


class _Attempts:
    """Does one thing after the other, and gathers what is said of those that fail.

    Attributes:
        looked_up: what policies and sessions.yaml name could be looked up.
    """

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages
        self.looked_up = True

    def __call__(self, do: Callable[[], _T]) -> _T | None:
        """What it gives; None: it failed."""
        try:
            return do()
        except ConfigError as error:
            self.messages += error.problems
        except CommandFailed as error:
            self.messages += str(error).splitlines()
        return None
