"""Findings as forges want them, so that they stand beside the lines of a change."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from ops.faults.findings import Finding, Severity
from ops.terminal.colour import Meaning, coloured
from ops.terminal.say import escaped

_MEANINGS: Final[dict[Severity, Meaning]] = {"error": "bad", "warning": "doubtful"}


def as_text(config: Path, findings: Sequence[Finding]) -> str:
    """A line each, as compilers write them: `config/roles.yaml:12: error: ...`."""
    return "\n".join(
        f"{escaped(_place(config, one))}: {coloured(one.severity, _MEANINGS[one.severity], bold=True)}: "
        f"{escaped(one.message)}"
        for one in findings
    )


def as_github(config: Path, findings: Sequence[Finding]) -> str:
    """Workflow commands of GitHub Actions.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    return "\n".join(
        f"::{one.severity} {_github_place(config, one)}title=credvend::{_github_data(escaped(one.message))}"
        for one in findings
    )


def as_gitlab(config: Path, findings: Sequence[Finding]) -> str:
    """A Code Quality report of GitLab: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format"""
    return json.dumps(
        [
            {
                "description": one.message,
                "check_name": "credvend",
                "fingerprint": hashlib.sha256(f"{one.file}\n{one.message}".encode()).hexdigest(),
                "severity": "blocker" if one.severity == "error" else "minor",
                "location": {"path": _path(config, one.file or "roles.yaml"), "lines": {"begin": one.line or 1}},
            }
            for one in findings
        ],
        indent=2,
    )


def findings_json(findings: Sequence[Finding]) -> str:
    """All that is known of each."""
    return json.dumps(
        [{"Severity": one.severity, "File": one.file, "Line": one.line, "Message": one.message} for one in findings],
        indent=2,
    )


def _path(config: Path, file: str) -> str:
    return str(PurePosixPath(config.as_posix()) / file)


def _place(config: Path, one: Finding) -> str:
    if one.file is None:
        return config.as_posix()
    return _path(config, one.file) + (f":{one.line}" if one.line is not None else "")


def _github_place(config: Path, one: Finding) -> str:
    if one.file is None:
        return ""
    line = f"line={one.line}," if one.line is not None else ""
    return f"file={_github_property(_path(config, one.file))},{line}"


def _github_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")
