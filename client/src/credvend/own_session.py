"""The session that credvend itself has put into an environment: to be told from what the caller signs with."""

from credvend import lean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Set beside the AWS SDKs' variables: the role, and the access key id.
SESSION = "CREDVEND_SESSION"
# Set for a command that credvend runs: the role.
INSIDE = "CREDVEND_ROLE"
# Other places where AWS SDKs look, some of them first. (The last is the session token's old name, first for botocore.)
COMPETING = (*lean.AWS_SOURCES, "AWS_SECURITY_TOKEN")
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION")


def marked(role: str, access_key_id: str) -> str:
    """The value of `SESSION`."""
    return f"{role} {access_key_id}"


def own_role(environ: "Mapping[str, str]") -> "str | None":
    """The role whose session the AWS SDKs' variables hold, if credvend has put it there."""
    role, _, access_key_id = environ.get(SESSION, "").rpartition(" ")
    return role if role and environ.get("AWS_ACCESS_KEY_ID") == access_key_id else None
