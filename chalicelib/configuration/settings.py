"""What is set for the deployed function, by its stage and its template, in environment variables."""

from collections.abc import Mapping
from typing import NamedTuple

from chalicelib.errors import ConfigError


class LedgerTables(NamedTuple):
    """Names of the tables that a vend is written to, and of that of revocations."""

    sessions: str
    blocks: str
    quotas: str
    revocations: str


class Settings(NamedTuple):
    """The settings of a stage.

    Attributes:
        region: where the function runs; Lambda sets it.
        tokens_table: name of the table of API tokens, or None: none are taken.
        used_tokens_table: name of the table of tokens that vend once only, or None: none of those vends.
        ledger_tables: names of the tables of the ledger, or None: a deployed function does not start, unless its
            configuration switches the ledger off; any other keeps none.
        allow_loopback_http: let issuers on this very machine be reached without TLS. For tests alone.
        signing_alias: name in KMS of the key that signs credvend's tokens, or None: it signs none.
        issuer: URL that those name; None: that of the API that a request came through.
        deployed: this is a deployed function, which takes the configuration that was compiled for it, and no other.
    """

    region: str
    tokens_table: str | None = None
    allow_loopback_http: bool = False
    deployed: bool = False
    used_tokens_table: str | None = None
    ledger_tables: LedgerTables | None = None
    signing_alias: str | None = None
    issuer: str | None = None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that environment variables hold.

    Raises:
        ConfigError: no region, or only a part of the ledger's tables.
    """
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigError(["No region: set AWS_REGION, or AWS_DEFAULT_REGION."])
    return Settings(
        region=region,
        tokens_table=environment.get("CREDVEND_TOKENS_TABLE") or None,
        allow_loopback_http=environment.get("CREDVEND_ALLOW_LOOPBACK_HTTP") == "true",
        # Lambda sets it always, and nobody can set it otherwise:
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        deployed="AWS_LAMBDA_FUNCTION_NAME" in environment,
        used_tokens_table=environment.get("CREDVEND_USED_TOKENS_TABLE") or None,
        ledger_tables=_ledger_tables(environment),
        signing_alias=environment.get("CREDVEND_SIGNING_ALIAS") or None,
        issuer=environment.get("CREDVEND_ISSUER") or None,
    )


def _ledger_tables(environment: Mapping[str, str]) -> LedgerTables | None:
    """All four, or none: the template names them together."""
    names = [environment.get(f"CREDVEND_{table.upper()}_TABLE") for table in LedgerTables._fields]
    if not any(names):
        return None
    if not all(names):
        raise ConfigError(["Some of the ledger's tables are named in the function's environment, and some are not."])
    return LedgerTables(*map(str, names))
