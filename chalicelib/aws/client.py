"""How AWS is called from the function: one kept connection, short timeouts, and an end that can be foreseen.

By botocore alone: boto3 would add resources, waiters and S3 transfers that nothing here uses, to each cold start.
"""

import logging
from dataclasses import dataclass, field
from functools import cache

from botocore.config import Config
from botocore.session import Session

# At DEBUG, which one setting of the function could switch on, these log what AWS answers.
for _name in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@cache
def session() -> Session:
    """What all clients share: the function's credentials, and what was read of botocore's data."""
    return Session()


@dataclass(frozen=True, slots=True)
class Keys:
    """A key of AWS's. The two secrets stay out of `repr`, and so out of logs and tracebacks."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


def client_with(service: str, config: Config, keys: Keys | None) -> object:
    """A client that signs with another key than the function's; None: with the function's."""
    return session().create_client(
        service,
        config=config,
        aws_access_key_id=keys.access_key_id if keys else None,
        aws_secret_access_key=keys.secret_access_key if keys else None,
        aws_session_token=keys.session_token if keys else None,
    )


def client_config(region: str, connect_seconds: float, read_seconds: float, attempts: int) -> Config:
    """The configuration of a client that is kept, and its connection open, between requests.

    Args:
        connect_seconds, read_seconds: of each attempt.
        attempts: in all; between them, botocore's mode `standard` waits at most 1 s, 2 s and so on.
    """
    return Config(
        region_name=region,
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=1,
    )
