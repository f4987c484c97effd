"""The tables that credvend has, as .chalice/template.json describes them."""

from typing import Final

from testing.dynamodb.tables import Index, KeySchema, Schema

TOKENS: Final = Schema("credvend-test-tokens", KeySchema("hash"), {"hash": "S"}, ttl="ttl")
USED_TOKENS: Final = Schema("credvend-test-used-tokens", KeySchema("hash"), {"hash": "S"}, ttl="ttl")
_BY_TIME: Final = ("by_caller", "by_role", "by_account", "by_day")
SESSIONS: Final = Schema(
    "credvend-test-sessions",
    KeySchema("id"),
    dict.fromkeys(("id", *_BY_TIME, "at", "access_key_id"), "S"),
    {
        **{name: Index(name, KeySchema(name, "at"), ()) for name in _BY_TIME},
        "by_key": Index("by_key", KeySchema("access_key_id"), ()),
    },
    ttl="ttl",
)
BLOCKS: Final = Schema("credvend-test-blocks", KeySchema("id"), {"id": "S"})
QUOTAS: Final = Schema("credvend-test-quotas", KeySchema("id"), {"id": "S"}, ttl="ttl")
REVOCATIONS: Final = Schema(
    "credvend-test-revocations", KeySchema("role_arn", "id"), {"role_arn": "S", "id": "S"}, ttl="ttl"
)
ALL: Final = (TOKENS, USED_TOKENS, SESSIONS, BLOCKS, QUOTAS, REVOCATIONS)
