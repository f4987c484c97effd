"""Sessions as ministack keeps them, with what it keeps nothing of: our own keys in its records."""

import time
from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from ministack.services import iam, sts

from local.strict.records import Record

# It goes on to the sessions that a session becomes, as the transitive tags do:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
SOURCE_IDENTITY: Final = "StrictSourceIdentity"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
TRANSITIVE_TAGS: Final = "StrictTransitiveTags"
# The ARN of the provider whose token the session was made with.
FEDERATED_PROVIDER: Final = "StrictFederatedProvider"
# Policies that GetScopedCredentials has put over the session, one a layer.
SCOPE_DOWN_POLICIES: Final = "StrictScopeDownPolicies"
# More than GetScopedCredentials' 36 hours, the longest session: what is kept so long answers that it has ended.
_KEPT_SECONDS: Final = 129_600


class Issued(NamedTuple):
    """A session that was just made.

    Attributes:
        expires: seconds since 1970, UTC.
    """

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires: float

    def credentials(self) -> dict[str, object]:
        """As STS's answers hold them."""
        return {
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "SessionToken": self.session_token,
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.expires)),
        }


def session_of(access_key_id: str) -> Record:
    """The record of a session; an empty one: it is the key of none."""
    return cast(Record, sts._sessions.get(access_key_id, {}))


def issue(described: Mapping[str, object], expires: float) -> Issued:
    """Make a session.

    Args:
        described: its record, but for its keys and its times.
        expires: seconds since 1970, UTC.
    """
    issued = Issued(iam._gen_session_access_key(), iam._gen_secret(), iam._gen_session_token(), expires)
    keys = {"SecretAccessKey": issued.secret_access_key, "SessionToken": issued.session_token}
    record = {**described, **keys, "Expiration": expires, "IssuedAt": time.time()}
    sts.register_session(issued.access_key_id, record)
    return issued


def remember_ended_sessions() -> None:
    """Keep sessions that have ended, so that their keys are refused as expired ones are, not as unknown ones.

    AWS answers `ExpiredToken`: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html. ministack forgets
    a session that has ended as soon as another one is made.
    """

    def forget_old_sessions() -> None:
        now = time.time()
        for key, session in list(sts._sessions.items()):
            ended = session.get("Expiration")
            if isinstance(ended, int | float) and now - ended > _KEPT_SECONDS:
                sts._sessions.pop(key, None)

    sts._evict_expired_sessions = forget_old_sessions
