"""SigV4: the caller's AWS credentials, from wherever the AWS credential chain of botocore finds them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from credvend import lean
from credvend.auth.method import Method, Question, Scheme
from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, UsageError
from credvend.own_session import own_role

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_HOST = re.compile(r"[a-z0-9-]+\.execute-api(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_NEEDS = "To sign with AWS credentials takes botocore: pip install botocore; or choose another way to authenticate."
_NOTHING = (
    "There is nothing to prove who you are with: run `credvend login`, set CREDVEND_TOKEN, "
    "or have AWS credentials to sign with (AWS_PROFILE)"
)


class SigV4:
    """Signs each request."""

    scheme: Scheme = "sigv4"

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def cache_identity(self) -> str:
        return METHOD.identity(self._config, self._environ)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
        except ImportError:
            if self._config.auth == "sigv4":
                raise UsageError(_NEEDS) from None
            # Whoever has configured nothing gets here, and need not mean AWS credentials at all.
            raise AuthenticationError(f"{_NOTHING}, which takes botocore: pip install botocore.") from None
        credentials = self._credentials()
        region = self.region(url)
        request = AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"} if body else {})
        SigV4Auth(credentials, "execute-api", region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}

    def _credentials(self) -> ReadOnlyCredentials:
        own = None if self._config.profile else own_role(self._environ)
        if own is not None:
            raise AuthenticationError(
                f"This shell has the credentials of {own}, which credvend gave it, and they are not what you sign in "
                'with: eval "$(credvend unset)", or name a profile to sign with (CREDVEND_PROFILE).'
            )
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        try:
            with _signing():
                session = Session(profile=self._config.profile)
                found = session.get_credentials()
                frozen = None if found is None else found.get_frozen_credentials()
        except (BotoCoreError, ValueError) as error:
            raise AuthenticationError(f"The AWS credentials to sign with cannot be had: {_reason(error)}") from None
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            raise AuthenticationError(f"{_NOTHING}.")
        return frozen

    def region(self, url: str) -> str:
        """The region of the service: as configured, or as its host says, or as AWS's variables say."""
        matched = _HOST.fullmatch(urlsplit(url).hostname or "")
        found = self._config.region or (matched["region"] if matched else None)
        found = found or self._environ.get("AWS_REGION") or self._environ.get("AWS_DEFAULT_REGION")
        if not found:
            raise UsageError("The service's region is not known: set region in the configuration, or CREDVEND_REGION.")
        return found


def _reason(error: Exception) -> str:
    """Why there are no credentials. What a `credential_process` printed may hold anything, so it is not repeated."""
    text = str(error)
    if lean.ITSELF in text:
        return lean.ITSELF
    if isinstance(error, ValueError) or "custom-process" in text:
        return "the profile's credential_process failed; run it by itself to see why."
    return text


class _Signers:
    """How many threads of this process ask the credential chain now. The variable is there while any does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._before: str | None = None

    def enter(self) -> None:
        with self._lock:
            if self._count == 0:
                self._before = os.environ.get(lean.SIGNING)
                os.environ[lean.SIGNING] = str(os.getpid())
            self._count += 1

    def leave(self) -> None:
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
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_signers.forget)


@contextmanager
def _signing() -> Iterator[None]:
    """Have a `credvend process` that the credential chain runs in turn fail at once, instead of asking itself forever.

    For the profile to sign with may be one whose credentials come from credvend.
    """
    _signers.enter()
    try:
        yield
    finally:
        _signers.leave()


METHOD = Method(
    name="sigv4",
    summary="AWS credentials",
    missing="There are no AWS credentials to sign with: configure a profile, or set AWS_PROFILE.",
    authenticator=SigV4,
    questions=(Question("profile", "AWS profile to sign with (empty: as AWS SDKs find it)"),),
)
