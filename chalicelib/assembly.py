"""How the service is put together. Nothing else of it imports this module.

What only some requests need is imported with the first one.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.admission.admission import Admission
from chalicelib.admission.without_ledger import WithoutLedger
from chalicelib.audit.log import AuditLog
from chalicelib.configuration.load import load_configuration
from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.configuration.settings import Settings
from chalicelib.errors import ConfigError, InvalidToken, NoLedger, SignsNothing, UsedTokensUnavailable
from chalicelib.operators_log import tell_operators
from chalicelib.service import Service
from chalicelib.sessions.issuing import ByAssumeRole, Issuing
from chalicelib.sessions.sharing import SharedSessions
from chalicelib.sessions.sts import READ_SECONDS, sts_client

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

    from chalicelib.aws.brief_connections import BriefConnections, Closing
    from chalicelib.callers.api_tokens.store import TokenStore
    from chalicelib.callers.oidc.used_tokens import UsedTokens
    from chalicelib.configuration.configuration import Configuration
    from chalicelib.examining.doctor import Doctor
    from chalicelib.own_sessions import OwnSessions
    from chalicelib.revocation.revoker import Revoker
    from chalicelib.sessions.issuing import Issuance
    from chalicelib.sessions.plan import SessionPlan
    from chalicelib.signing.issuer_url import Api
    from chalicelib.signing.keys import KeyRing

CONFIG = Path(__file__).parent / "config"


def load_service(config: Path, settings: Settings) -> Service:
    """Put the service together; with an invalid configuration it does not start.

    Raises:
        ConfigError: one line for every problem found.
    """
    configuration = load_configuration(config, settings)
    return Service(
        configuration=lambda: configuration,
        token_store=_token_store(settings),
        admission=_admission(configuration.sessions, settings),
        sharing=SharedSessions(configuration.sessions.share_seconds),
        audit_log=AuditLog(),
        issuing=_issuing(settings),
        own_sessions=_own_sessions(configuration.sessions, settings),
        signing=partial(_signing, settings),
    )


@cache
def load_revoker(configuration: "Configuration", audit_log: AuditLog, settings: Settings) -> "Revoker":
    """Put together what the function behind the table of revocations does, for its first batch.

    Raises:
        ConfigError: the function is told no tables.
    """
    from chalicelib.aws.table import Table, dynamodb_client
    from chalicelib.ended_sessions import EndedSessions
    from chalicelib.ledger.index_keys import SHARDS
    from chalicelib.ledger.reading import LedgerReader
    from chalicelib.revocation.iam import Iam
    from chalicelib.revocation.items import RevocationTable
    from chalicelib.revocation.probe import RoleSessions
    from chalicelib.revocation.revoker import Revoker

    if settings.ledger_tables is None:
        raise ConfigError(["The revoker's environment names no tables: deploy again."])
    region, operator_role = settings.region, configuration.sessions.operator_role
    client = dynamodb_client(region, connections=SHARDS)
    tables = settings.ledger_tables
    return Revoker(
        RevocationTable(Table(tables.revocations, client), Table(tables.sessions, client)),
        lambda function_arn, request_id: Iam(region, function_arn, operator_role, request_id),
        lambda request_id: RoleSessions(region, request_id),
        EndedSessions(LedgerReader(client, tables.sessions, SHARDS), Table(tables.quotas, client)),
        audit_log,
        configuration.catalog,
    )


@cache
def load_doctor(configuration: "Configuration", audit_log: AuditLog, settings: Settings) -> "Doctor":
    """Put together what the function that operators ask does, for the first who asks."""
    from chalicelib.examining.doctor import ASKED_AT_ONCE, Doctor
    from chalicelib.examining.questions import NAME
    from chalicelib.sessions.issuing import Occasion

    issuing = _issuing(settings, ASKED_AT_ONCE)

    def ask(plan: "SessionPlan") -> str:
        # The session ends here: nothing but the id of the call is kept of it.
        return issuing.issue(plan, Occasion(NAME, lambda: math.inf)).request_id

    return Doctor(configuration.catalog, configuration.digest, ask, audit_log)


def _issuing(settings: Settings, connections: int = 1) -> Issuing:
    """Where sessions come from.

    Args:
        connections: to STS that are kept.
    """

    @cache
    def kept(attempts: int, read_seconds: float) -> "STSClient":
        return sts_client(settings.region, connections, attempts, read_seconds)

    @cache
    def briefly(attempts: int, read_seconds: float) -> "BriefConnections[STSClient]":
        from chalicelib.aws.brief_connections import BriefConnections

        return BriefConnections(kept(attempts, read_seconds))

    def otherwise(by_token: bool, for_lease: bool) -> "Issuance":
        from chalicelib.sessions import issuing

        if not by_token:
            return issuing.before_lease(kept(issuing.FEWER_ATTEMPTS, READ_SECONDS))
        attempts, seconds = 1 if for_lease else issuing.TOKEN_ATTEMPTS, issuing.TOKEN_READ_SECONDS
        client = briefly(attempts, seconds).client if attempts == 1 else partial(kept, attempts, seconds)
        return issuing.ByWebIdentity(client, partial(_signing, settings), attempts)

    @cache
    def leases() -> "BriefConnections[Closing]":
        from chalicelib.aws.brief_connections import BriefConnections
        from chalicelib.sessions.leases import lease_client

        return BriefConnections(lease_client(settings.region, connections))

    return Issuing(ByAssumeRole(sts_client(settings.region, connections)), otherwise, lambda: leases().client())


def _signing(settings: Settings, api: "Api | None") -> "tuple[str, KeyRing]":
    """The issuer of credvend's tokens, and its keys.

    Raises:
        SignsNothing: there are none.
    """
    keys = _key_ring(settings)
    issuer = _issuer(settings, api)
    if keys is None or issuer is None:
        raise SignsNothing
    return issuer, keys


@cache
def _key_ring(settings: Settings) -> "KeyRing | None":
    from chalicelib.signing.keys import KeyRing, kms_client

    return None if settings.signing_alias is None else KeyRing(kms_client(settings.region), settings.signing_alias)


def _issuer(settings: Settings, api: "Api | None") -> str | None:
    """URL of the issuer of credvend's tokens; None: a request came through no API, and nothing is set."""
    from chalicelib.signing.issuer_url import url_of

    if settings.issuer is not None or api is None:
        return settings.issuer
    return url_of(api, settings.region)


def _admission(sessions: SessionSettings, settings: Settings) -> Admission:
    """What stands between a decision and STS.

    Raises:
        ConfigError: the ledger is on, and a deployed function is told no tables.
    """
    if not sessions.ledger or (settings.ledger_tables is None and not settings.deployed):
        return WithoutLedger(_used_tokens(settings))
    if settings.ledger_tables is None:
        raise ConfigError(["The ledger is on, and the function's environment names no tables for it: deploy again."])
    from chalicelib.admission.with_ledger import with_ledger  # loads what asks DynamoDB

    return with_ledger(settings.region, settings.ledger_tables, sessions, _used_tokens(settings))


def _own_sessions(sessions: SessionSettings, settings: Settings) -> "Callable[[], OwnSessions]":
    """What callers are told of their sessions, made for the first who asks."""

    @cache
    def own() -> "OwnSessions":
        from chalicelib.own_sessions import own_sessions

        if not sessions.ledger or settings.ledger_tables is None:
            raise NoLedger
        return own_sessions(settings.region, settings.ledger_tables, sessions.keep_seconds)

    return own


def _token_store(settings: Settings) -> "Callable[[], TokenStore]":
    """The store of API tokens, made for the first one that comes: its client is slow to set up."""

    @cache
    def store() -> "TokenStore":
        from chalicelib.aws.table import Table, dynamodb_client
        from chalicelib.callers.api_tokens.store import TokenStore

        if settings.tokens_table is None:
            raise InvalidToken("API tokens are not taken here.", "unknown_token")
        return TokenStore(Table(settings.tokens_table, dynamodb_client(settings.region)))

    return store


def _used_tokens(settings: Settings) -> "Callable[[], UsedTokens]":
    """The memory of used tokens, made for the first that vends once only."""

    @cache
    def used_tokens() -> "UsedTokens":
        from chalicelib.aws.table import Table, dynamodb_client
        from chalicelib.callers.oidc.used_tokens import UsedTokens

        if settings.used_tokens_table is None:
            tell_operators("an issuer has `single_use`, and CREDVEND_USED_TOKENS_TABLE names no table")
            raise UsedTokensUnavailable
        return UsedTokens(Table(settings.used_tokens_table, dynamodb_client(settings.region)))

    return used_tokens
