"""A table with one API token in it, the store that finds it there, and the time."""

import pytest

from chalicelib.aws.table import Table
from chalicelib.callers.api_tokens.store import TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.callers.api_tokens.token import hash_api_token, new_api_token
from chalicelib.errors import InvalidToken
from testing.clock import Clock
from testing.token_table import NAME, Item, TokenTable

HERE = "198.51.100.7"
DAY = 86_400


class World:
    """A store on a table with one token in it, and the time."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.table = TokenTable()
        self.store = TokenStore(Table(NAME, self.table.client), self.clock)
        self.token = new_api_token()
        self.hashed = hash_api_token(self.token)
        self.write()

    def write(self, **changes: dict[str, object] | None) -> None:
        """The token's item as operators write it, with changes; None: without it."""
        now = int(self.clock.now)
        item: dict[str, dict[str, object] | None] = {
            "hash": {"S": self.hashed},
            "name": {"S": "ci"},
            "owner": {"S": "Team A"},
            "tags": {"M": {"team": {"S": "a"}, "env": {"S": "prod"}}},
            "cidrs": {"L": []},
            "created": {"N": str(now)},
            "expires": {"N": str(now + 90 * DAY)},
            "ttl": {"N": str(now + 120 * DAY)},
            "last_used": {"N": str(now)},
        }
        whole: Item = {name: value for name, value in (item | changes).items() if value is not None}
        self.table.items[self.hashed] = whole

    def find(self, source_ip: str = HERE) -> StoredToken:
        return self.store.token_of(self.token, source_ip)

    def refusal(self, token: str | None = None, source_ip: str = HERE) -> InvalidToken:
        with pytest.raises(InvalidToken) as refusal:
            self.store.token_of(token or self.token, source_ip)
        return refusal.value


def number(value: float) -> dict[str, object]:
    return {"N": str(int(value))}


def networks(*cidrs: str) -> dict[str, object]:
    return {"L": [{"S": cidr} for cidr in cidrs]}
