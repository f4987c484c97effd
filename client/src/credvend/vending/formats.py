"""Credentials as shells, SDKs and configuration files read them: `FORMATS` has every format that `--format` takes.

None of the values needs quoting (`credentials.py` takes no others), and they are quoted all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from credvend import own_session
from credvend.errors import UsageError
from credvend.text import shell_quoting
from credvend.text.moments import moment_text
from credvend.text.shell_quoting import SHELLS, Shell
from credvend.vending.credentials import Credentials


@dataclass(frozen=True)
class Format:
    """One of the formats.

    Attributes:
        write: credentials in it, and the region that goes with them, without a line break at the end.
        lasts: what is written is used for a while, so at least half of the session should be left, and a region can go
            with it.
    """

    write: Callable[[Credentials, str | None], str]
    lasts: bool = True


def variables(credentials: Credentials) -> dict[str, str]:
    """The environment variables of the AWS SDKs."""
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_CREDENTIAL_EXPIRATION": moment_text(credentials.expiration),
    }


def environment(credentials: Credentials, region: str | None) -> dict[str, str]:
    """The same with the region, and with what tells credvend its own session from the caller's credentials."""
    return {
        **variables(credentials),
        **({"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}),
        own_session.SESSION: own_session.marked(credentials.role, credentials.access_key_id),
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


def _as_answered(credentials: Credentials, _: str | None) -> str:
    """The service's answer: the shape of `aws sts assume-role`."""
    return json.dumps(credentials.answer, indent=2)


def _ini(credentials: Credentials, region: str | None) -> str:
    """A section of `~/.aws/credentials`, called as the role is."""
    values = variables(credentials)
    del values["AWS_CREDENTIAL_EXPIRATION"]  # which the file does not know
    return shell_quoting.ini_section(section_of(credentials.role), values | ({"region": region} if region else {}))


def section_of(role: str) -> str:
    """What the section of a role is called."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", role)


def _script(shell: Shell) -> Format:
    """A script does to the shell what `exec` does to a command: nothing that SDKs would prefer is left."""
    return Format(lambda credentials, region: shell.script(own_session.COMPETING, environment(credentials, region)))


def _dotenv(credentials: Credentials, region: str | None) -> str:
    values = environment(credentials, region)
    del values[own_session.SESSION]  # for who signs in a shell
    return shell_quoting.dotenv_lines(values)


def _github(credentials: Credentials, region: str | None) -> str:
    """What a step prints: the commands that have the job's log mask the secrets. `append_github` does the rest.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log
    """
    values = variables(credentials)
    masked = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return "\n".join(f"::add-mask::{values[name]}" for name in masked)


def check_github(environ: Mapping[str, str]) -> None:
    """Refuse to print for GitHub Actions where nothing could be handed on, or would be of no use.

    Raises:
        UsageError: this is no job of GitHub Actions, or a profile would win.
    """
    if not environ.get("GITHUB_ENV"):
        raise UsageError("--format github is for a step of GitHub Actions, which has GITHUB_ENV.")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        if name in environ:
            # An empty one is no way out: botocore then looks for a profile without a name.
            raise UsageError(f"The job sets {name}, which AWS SDKs may prefer, and no step can unset it: leave it out.")


def append_github(credentials: Credentials, region: str | None, environ: Mapping[str, str]) -> None:
    """Give the job's later steps the variables; what else competes with them is emptied, as nothing can be unset there.

    Raises:
        UsageError: the job's file cannot be written.
    """
    path = environ["GITHUB_ENV"]
    emptied = {name: "" for name in own_session.COMPETING if environ.get(name)}
    lines = [f"{name}={value}\n" for name, value in {**emptied, **environment(credentials, region)}.items()]
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise UsageError(f"GITHUB_ENV, {path}, cannot be written: {error.strerror}.") from None


# By name, in the order in which `--help` shows them. The first is the default.
FORMATS: Mapping[str, Format] = {
    "json": Format(_as_answered, lasts=False),
    "process": Format(lambda credentials, _: process(credentials), lasts=False),
    **{name: _script(shell) for name, shell in SHELLS.items()},
    "ini": Format(_ini),
    "dotenv": Format(_dotenv),
    "docker": Format(_dotenv),
    "github": Format(_github),
}
