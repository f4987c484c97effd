"""A table of API tokens that operators change, and credvend reads."""

from dataclasses import dataclass, field

import pytest

from chalicelib.aws.table import Table
from chalicelib.callers.api_tokens.store import TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.errors import InvalidToken
from ops.api_tokens.table import Tokens
from testing.token_table import NAME, Clock, TokenTable

HERE = "198.51.100.7"
HOUR = 3600
DAY = 86_400


@dataclass
class Administered:
    """A table, what operators do with it, and what credvend makes of it."""

    clock: Clock = field(default_factory=Clock)
    table: TokenTable = field(default_factory=TokenTable)

    @property
    def tokens(self) -> Tokens:
        return Tokens(NAME, self.table.client, self.clock)

    def find(self, token: str, source_ip: str = HERE) -> StoredToken:
        """What a function that remembers nothing finds."""
        return TokenStore(Table(NAME, self.table.client), self.clock).token_of(token, source_ip)

    def refusal(self, token: str) -> str:
        with pytest.raises(InvalidToken) as refusal:
            self.find(token)
        return refusal.value.cause
