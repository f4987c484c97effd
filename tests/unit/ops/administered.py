"""A table of API tokens that operators change, and credvend reads."""

from dataclasses import dataclass, field

import pytest

from chalicelib.aws.table import Table
from chalicelib.callers.api_tokens.store import TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.errors import InvalidToken
from ops.api_tokens.table import Tokens
from testing.clock import Clock
from testing.token_table import NAME, TokenTable

OPERATOR = "arn:aws:sts::111122223333:assumed-role/Operator/olga"
HERE = "198.51.100.7"
HOUR = 3600
DAY = 86_400


@dataclass
class Administered:
    """A table, what operators do with it, and what credvend makes of it."""

    clock: Clock = field(default_factory=Clock)
    table: TokenTable = field(default_factory=TokenTable)
    said: list[str] = field(default_factory=list)

    @property
    def tokens(self) -> Tokens:
        return self.tokens_of(OPERATOR)

    def tokens_of(self, operator: str, clock: Clock | None = None) -> Tokens:
        """What an operator does, maybe by a clock of their own."""
        return Tokens(NAME, self.table.client, lambda: operator, clock or self.clock, self.said.append)

    def find(self, token: str, source_ip: str = HERE) -> StoredToken:
        """What a function that remembers nothing finds."""
        return TokenStore(Table(NAME, self.table.client), self.clock).token_of(token, source_ip)

    def refusal(self, token: str) -> str:
        with pytest.raises(InvalidToken) as refusal:
            self.find(token)
        return refusal.value.cause
