"""A client that is made once, and signs each call with keys that are for that call alone.

To make one of botocore's takes tens of milliseconds, which the first call pays alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials

from chalicelib.aws.client import Keys, session

_KEYS: Final[ContextVar[Keys]] = ContextVar("keys of the call under way")


def client_without_keys(service: str, config: Config) -> BaseClient:
    """A client that has no keys. Its calls raise LookupError, and send nothing, but inside `signed_with`."""
    client = session().create_client(service, config=config.merge(Config(signature_version=UNSIGNED)))
    # https://docs.aws.amazon.com/botocore/latest/topics/events.html
    client.meta.events.register(f"before-sign.{service}", _sign)
    return client


@contextmanager
def signed_with(keys: Keys) -> Iterator[None]:
    """Calls that are made inside, in this thread, by clients without keys, are signed with these."""
    before = _KEYS.set(keys)
    try:
        yield
    finally:
        _KEYS.reset(before)


def _sign(request: AWSRequest, signing_name: str, region_name: str, **_: object) -> None:
    keys = _KEYS.get()
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    SigV4Auth(credentials, signing_name, region_name).add_auth(request)
