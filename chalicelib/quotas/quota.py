"""How much may one caller have? A quota, and whom and what it is about."""

from typing import Final, Literal, NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.roles.role import Role

Per = Literal["caller", "principal"]
# What DynamoDB keeps of live sessions is a set in one item of at most 400 KB, read when it is full.
LARGEST_LIVE: Final = 1000
# A vend is a transaction, which takes 100 writes: what is blocked, the intent, and a token or a shared session besides.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MOST_COUNTS: Final = 97


class Quota(NamedTuple):
    """So much, for each caller that it is about. What is None is of any kind, or without a limit.

    Attributes:
        name: told to whoever is over it.
        kind: of caller, such as `OidcSubject`.
        issuer: its name in issuers.yaml.
        group: of the issuer, as that names it.
        role: catalog name.
        role_group: of the catalog.
        per_minute, per_day: vends. Days begin at midnight, UTC.
        live: sessions at once.
        per: each caller by itself, or all sessions of one IAM role together.
    """

    name: str
    kind: str | None = None
    issuer: str | None = None
    group: str | None = None
    role: str | None = None
    role_group: str | None = None
    per_minute: int | None = None
    per_day: int | None = None
    live: int | None = None
    per: Per = "caller"

    @property
    def counts(self) -> int:
        """How many counts a vend takes from."""
        return sum(limit is not None for limit in (self.per_minute, self.per_day, self.live))

    def is_about(self, caller: Caller, role: Role) -> bool:
        """Whether a vend of that role to that caller counts."""
        entity = caller.entity
        issuers = [name for kind, name in entity.parents if kind == "OidcIssuer"]
        groups = [name.partition(":")[2] for kind, name in entity.parents if kind == "OidcGroup"]
        return (
            self.kind in (None, caller.kind)
            and (self.issuer is None or self.issuer in issuers)
            and (self.group is None or self.group in groups)
            and self.role in (None, role.name)
            and (self.role_group is None or self.role_group in role.groups)
        )

    def counted(self, caller: Caller) -> str:
        """Who is counted."""
        return caller.identifier if self.per == "caller" else caller.principal
