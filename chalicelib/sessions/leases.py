"""Sessions of less than 15 minutes: STS makes none so short, but shortens the one that it has made.

The session of 15 minutes ends here: its credentials are used for this one call, and given to nobody. What comes of it
has the same name, tags, source identity and policies.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html
"""

import time
from collections.abc import Mapping
from typing import Any, Final, cast

from chalicelib.aws.answers import request_id_of
from chalicelib.aws.brief_connections import Closing
from chalicelib.aws.client import Keys, client_config
from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.aws.signed_calls import client_without_keys, signed_with
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Session,
    answered,
    milliseconds_since,
    read_credentials,
)
from chalicelib.sessions.sts_answer import problem_with_lease
from chalicelib.sessions.sts_failures import unbelievable

# One attempt: the caller may ask again, and a session of 15 minutes is left behind that nobody knows.
ATTEMPTS: Final = 1
WORST_SECONDS: Final = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html (ScopedSessionDescription)
_DESCRIPTION_CHARACTERS: Final = 256


def session_before(plan: SessionPlan) -> SessionPlan:
    """The plan of the session that the lease is made of."""
    return plan._replace(duration=MINIMUM_SECONDS)


def lease_client(region: str, connections: int = 1) -> Closing:
    """A client that `shorten` takes. It has one attempt.

    Args:
        connections: that are kept; of a client that several threads use at once, as many.
    """
    return client_without_keys("sts", client_config(region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS, connections))


def shorten(client: object, session: Session, plan: SessionPlan, description: str) -> Session:
    """The lease that the plan is about.

    Args:
        client: from `lease_client`.
        session: that it is made of.
        description: which CloudTrail shows; what it cannot hold is left out.

    Raises:
        StsFailure: STS refused, could not be reached, or answered something else.
    """
    started = time.monotonic()
    given = session.credentials
    keys = Keys(given.access_key_id, given.secret_access_key, given.session_token)
    # No stubs know the operation yet. Its model is botocore's.
    sts = cast(Any, client)
    with signed_with(keys):
        answer, _ = answered(
            lambda: sts.get_scoped_credentials(
                DurationSeconds=plan.duration, ScopedSessionDescription=shown(description)
            ),
            plan,
            "GetScopedCredentials",
        )
    told = cast(Mapping[str, Any], answer)
    request_id = request_id_of(told)
    took = session.milliseconds + milliseconds_since(started)
    problem = problem_with_lease(told, session.arn, given.expiration, plan, time.time())
    if problem is not None:
        raise unbelievable(problem, request_id, took)
    return session._replace(
        credentials=read_credentials(told["Credentials"]), scoped_request_id=request_id, milliseconds=took
    )


def shown(description: str) -> str:
    """A description as STS takes it: printable characters of Latin-1, and no more than 256 of them."""
    return "".join(letter if " " <= letter <= "~" or "\u00a1" <= letter <= "\u00ff" else "?" for letter in description)[
        :_DESCRIPTION_CHARACTERS
    ]
