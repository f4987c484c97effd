"""Credentials as shells, SDKs and configuration files read them: `FORMATS` has every format that `--format` takes.

None of the values needs quoting (`credentials.py` takes no others), and they are quoted all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from credvend.text import shell_quoting
from credvend.text.moments import moment_text
from credvend.vending.credentials import Credentials


@dataclass(frozen=True)
class Format:
    """One of the formats.

    Attributes:
        write: credentials in it, without a line break at the end.
        variables: any environment variables in it, for `credvend serve`; None for a format that is not of variables.
    """

    write: Callable[[Credentials], str]
    variables: Callable[[Mapping[str, str]], str] | None = None


def variables(credentials: Credentials) -> dict[str, str]:
    """The environment variables of the AWS SDKs."""
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_CREDENTIAL_EXPIRATION": moment_text(credentials.expiration),
    }


def process(credentials: Credentials) -> str:
    """One line, for `credential_process`.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    """
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": moment_text(credentials.expiration),
            "AccountId": credentials.account_id,
        }
    )


def _as_answered(credentials: Credentials) -> str:
    """The service's answer: the shape of `aws sts assume-role`."""
    return json.dumps(credentials.answer, indent=2)


def _ini(credentials: Credentials) -> str:
    """A section of `~/.aws/credentials`, called as the role is."""
    section = re.sub(r"[^A-Za-z0-9_.-]", "-", credentials.role)
    values = variables(credentials)
    del values["AWS_CREDENTIAL_EXPIRATION"]  # which the file does not know
    return shell_quoting.ini_section(section, values)


def _of_variables(lines: Callable[[Mapping[str, str]], str]) -> Format:
    return Format(lambda credentials: lines(variables(credentials)), lines)


# By name, in the order in which `--help` shows them. The first is the default.
FORMATS: Mapping[str, Format] = {
    "json": Format(_as_answered),
    "process": Format(process),
    "env": _of_variables(shell_quoting.posix_lines),
    "fish": _of_variables(shell_quoting.fish_lines),
    "powershell": _of_variables(shell_quoting.powershell_lines),
    "ini": Format(_ini),
}
