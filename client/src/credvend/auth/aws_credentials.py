"""AWS credentials to sign with, from wherever the credential chain of botocore finds them.

As the AWS CLI does, a role that a profile assumes is kept in `~/.aws/cli/cache`: who gave an MFA code gives it once, to
whichever of the two asked. Nobody is asked where there is no terminal, or no time.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from credvend import lean
from credvend.disk.private_files import CannotWrite, make_directory
from credvend.errors import AuthenticationError, CredvendError, ServiceError
from credvend.time_limit import LONGEST, not_counting, seconds_left

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session

_may_ask: ContextVar[bool] = ContextVar("_may_ask", default=True)
# Seconds; with less, nobody is asked for a code.
_TO_ASK = 5.0
_NO_TERMINAL = (
    "The AWS profile to sign with wants an MFA code, and there is no terminal to ask at: run `credvend whoami` in one, "
    "which keeps the session for others."
)
# What STS says of keys, or of a code.
_ADVICE = {
    "AccessDenied": "is role_arn of the profile right, and does that role trust the credentials that ask for it?",
    "ExpiredToken": "the session has expired: get a new one.",
    "ExpiredTokenException": "the session, or the token for it, has expired: get a new one.",
    "InvalidClientTokenId": "AWS does not know that access key: is it deleted, or out of date in the profile?",
    "InvalidIdentityToken": "AWS does not take the web identity token: is its provider set up in IAM?",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key.",
}

# By what botocore calls the links of its chain; {profile} and the files are as they were looked for.
_FOUND_IN = {
    "env": "the variable AWS_ACCESS_KEY_ID",
    "shared-credentials-file": "the profile {profile} in {credentials_file}",
    "config-file": "the profile {profile} in {config_file}",
    "assume-role": "the role of the profile {profile}",
    "assume-role-with-web-identity": "a role that a web identity token is for",
    "custom-process": "the credential_process of the profile {profile}",
    "sso": "the SSO sign-in of the profile {profile}",
    "login": "the `aws login` of the profile {profile}",
    "container-role": "the container's role",
    "iam-role": "the EC2 instance's role",
}


class Signing(NamedTuple):
    """What signs, and where it was found, in words."""

    keys: ReadOnlyCredentials
    found_in: str


@contextmanager
def asking_nobody() -> Iterator[None]:
    """Have nobody asked for a code while the block runs."""
    reset = _may_ask.set(False)
    try:
        yield
    finally:
        _may_ask.reset(reset)


def aws_credentials(profile: str | None, region: str | None) -> Signing | None:
    """What signs: of a profile, or as the chain finds it; None if there is nothing.

    Args:
        region: whose STS is asked where AWS's own settings name none.

    Raises:
        AuthenticationError: it cannot be had; the message says what to do.
        ServiceError: AWS cannot be reached to get it.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    try:
        with _signing():
            session = aws_session(profile)
            if region and not session.get_config_variable("region"):
                session.set_config_variable("region", region)
            _keep_roles(session)
            found = session.get_credentials()
            frozen = None if found is None else found.get_frozen_credentials()
    except CredvendError:
        raise
    except (HTTPClientError, NoConnection) as error:
        raise ServiceError(f"AWS cannot be reached for credentials to sign with: {error}") from None
    # Files that the chain reads may be missing or hold anything, so its errors are of any kind.
    except (BotoCoreError, ClientError, OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise AuthenticationError(f"The AWS credentials to sign with cannot be had: {_reason(error)}") from None
    if found is None or frozen is None or not frozen.access_key or not frozen.secret_key:
        return None
    return Signing(frozen, _found_in(session, str(found.method)))


def aws_session(profile: str | None = None) -> Session:
    """botocore's, which reads nothing in the working directory, and asks in what is left of the time.

    Raises:
        ProfileNotFound: there is no such profile.
    """
    from botocore.session import Session

    session = Session(profile=profile)
    _read_nothing_here(session)
    _be_brief(session)
    return session


def _found_in(session: Session, method: str) -> str:
    files = {name: session.get_config_variable(name) for name in ("credentials_file", "config_file")}
    return _FOUND_IN.get(method, method).format(profile=session.profile or "default", **files)


def _read_nothing_here(session: Session) -> None:
    """Where there is no home directory, or a relative one, keep botocore out of the working directory.

    It would take that for the home: and who wrote a `.aws/config` there would have a command run, or us sign as them.
    """
    if lean.home_path(os.environ):
        return
    for name, variable in (("config_file", "AWS_CONFIG_FILE"), ("credentials_file", "AWS_SHARED_CREDENTIALS_FILE")):
        if os.environ.get(variable, "~").startswith("~"):
            session.set_config_variable(name, os.devnull)
    if not os.environ.get("BOTO_CONFIG"):
        session.get_component("credential_provider").remove("boto-config")
    found = session.get_component("data_loader").search_paths  # of descriptions of services, whose addresses they tell
    found[:] = filter(os.path.isabs, found)


def _be_brief(session: Session) -> None:
    """Have STS and its like asked twice in what is left of the time, and no longer than half a minute."""
    from botocore.config import Config

    seconds = max(0.5, min(seconds_left(), LONGEST) / 6)
    config = Config(
        connect_timeout=min(5.0, seconds), read_timeout=seconds, retries={"mode": "standard", "total_max_attempts": 2}
    )
    session.set_default_client_config(config)


def _keep_roles(session: Session) -> None:
    from botocore.utils import JSONFileCache

    class Kept(JSONFileCache):
        def __setitem__(self, key: str, value: object) -> None:
            with contextlib.suppress(OSError, CannotWrite):  # it does without
                make_directory(directory)
                super().__setitem__(key, value)

    chain = session.get_component("credential_provider")
    directory = lean.home_path(os.environ, ".aws", "cli", "cache")
    with contextlib.suppress(OSError, lean.Unreadable):
        if os.path.isdir(directory):
            # Others could have us sign as themselves.
            lean.refuse_others_of(directory, os.stat(directory))
        for name in ("assume-role", "assume-role-with-web-identity") if directory else ():
            chain.get_provider(name).cache = Kept(directory)
    chain.get_provider("assume-role")._prompter = _asked_for  # there is no other way to it


def _asked_for(prompt: str) -> str:
    """What a person answers at the terminal; never what stands in standard input, which is a command's."""
    if seconds_left() < _TO_ASK or not _may_ask.get():
        raise AuthenticationError("The AWS profile to sign with wants an MFA code: run `credvend whoami`, and give it.")
    try:
        if sys.platform != "win32":
            os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        elif not sys.stdin.isatty():
            raise AuthenticationError(_NO_TERMINAL)
        with not_counting():
            return getpass.getpass(prompt).strip()
    except (OSError, EOFError):
        raise AuthenticationError(_NO_TERMINAL) from None


def _reason(error: Exception) -> str:
    """Why there are no credentials, and what to do. What a `credential_process` printed is not repeated."""
    from botocore.exceptions import ClientError, LoginError, ProfileNotFound, SSOError, TokenRetrievalError

    text = str(error)
    if lean.ITSELF in text:
        return lean.ITSELF
    if isinstance(error, ClientError):
        code, said = (str(error.response.get("Error", {}).get(name, ""))[:300] for name in ("Code", "Message"))
        advice = "give the code that the device shows next." if "MultiFactorAuth" in said else _ADVICE.get(code, "")
        return f"AWS refuses {error.operation_name}: {said.rstrip('.')} ({code}); {advice or 'is the profile right?'}"
    if isinstance(error, (SSOError, TokenRetrievalError)):
        return f"{text.rstrip('.')}: run `aws sso login`."
    if isinstance(error, LoginError):
        return f"{text.rstrip('.')}: run `aws login`."
    if isinstance(error, ProfileNotFound):
        return f"{text.rstrip('.')}: is profile, or AWS_PROFILE, right?"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or 'it cannot be read'}; is its name right?"
    if isinstance(error, (ValueError, LookupError, TypeError, EOFError)) or "custom-process" in text:
        return "the profile's credential_process failed; run it by itself to see why."
    return text


class _Signers:
    """How many threads of this process ask the credential chain now. The variable is there while any does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._before: str | None = None

    @contextmanager
    def signing(self) -> Iterator[None]:
        """Have a `credvend process` that the credential chain runs in turn fail at once, not ask itself forever.

        For the profile to sign with may be one whose credentials come from credvend.
        """
        with self._lock:
            if self._count == 0:
                self._before = os.environ.get(lean.SIGNING)
                os.environ[lean.SIGNING] = str(os.getpid())
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    self._restore()

    def forget(self) -> None:
        """In a child that was forked meanwhile: there, none of those threads goes on."""
        self._lock = threading.Lock()
        if self._count:
            self._count = 0
            self._restore()

    def _restore(self) -> None:
        if self._before is None:
            os.environ.pop(lean.SIGNING, None)
        else:
            os.environ[lean.SIGNING] = self._before


_signers = _Signers()
_signing = _signers.signing
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_signers.forget)
