"""What is told where a command cannot go on, for the configuration that it was given is not valid."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.errors import OperationFailed
from ops.faults.findings import Finding, found
from ops.terminal.say import escaped_lines

# So many problems are told; `validate` tells all.
_MOST_TOLD: Final = 10


def invalid(config: Path, problems: Sequence[str], name: str | None = None) -> OperationFailed:
    """A directory is no valid configuration: what is wrong, each with its file and line.

    Args:
        name: by which whoever runs the command knows the directory, if not by its path.
    """
    findings = list(dict.fromkeys(found(config, "error", problems)))
    lines = [f"{place}: {one.message}" if (place := _place(one)) else one.message for one in findings]
    more = len(lines) - _MOST_TOLD
    rest = [f"and {more} more, which `credvend-admin validate` tells."] if more > 0 else []
    told = "\n".join([f"{config} is no valid configuration:", *lines[:_MOST_TOLD], *rest])
    return OperationFailed(escaped_lines(told if name is None else told.replace(str(config), name)))


def _place(finding: Finding) -> str:
    return (finding.file or "") + (f":{finding.line}" if finding.line is not None else "")
