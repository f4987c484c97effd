"""Credentials as shells, SDKs and configuration files read them.

None of the values needs quoting (`vended.py` takes no others), and they are quoted all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from credvend.vending.credentials import Credentials, moment_text


def variables(credentials: Credentials) -> dict[str, str]:
    """The environment variables of the AWS SDKs."""
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_CREDENTIAL_EXPIRATION": moment_text(credentials.expiration),
    }


def as_answered(credentials: Credentials) -> str:
    """The service's answer: the shape of `aws sts assume-role`."""
    return json.dumps(credentials.answer, indent=2)


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


def env(credentials: Credentials) -> str:
    """For POSIX shells."""
    return env_lines(variables(credentials))


def fish(credentials: Credentials) -> str:
    return fish_lines(variables(credentials))


def powershell(credentials: Credentials) -> str:
    return powershell_lines(variables(credentials))


def ini(credentials: Credentials) -> str:
    """A section of `~/.aws/credentials`, called as the role is."""
    section = re.sub(r"[^A-Za-z0-9_.-]", "-", credentials.role)
    return "\n".join(
        (
            f"[{section}]",
            f"aws_access_key_id = {credentials.access_key_id}",
            f"aws_secret_access_key = {credentials.secret_access_key}",
            f"aws_session_token = {credentials.session_token}",
        )
    )


FORMATS: dict[str, Callable[[Credentials], str]] = {
    "json": as_answered,
    "process": process,
    "env": env,
    "fish": fish,
    "powershell": powershell,
    "ini": ini,
}


def env_lines(values: Mapping[str, str]) -> str:
    """Any variables, for POSIX shells."""
    return "\n".join(f"export {name}={_posix(value)}" for name, value in values.items())


def fish_lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"set -gx {name} {_fish(value)}" for name, value in values.items())


def powershell_lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"$Env:{name} = {_powershell(value)}" for name, value in values.items())


def _posix(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
