"""What a stage's stack calls its resources, by logical ids, and its outputs."""

import re
from typing import Final

from ops.errors import OperationFailed

# As a table's name takes it.
_STAGE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)

API: Final = "RestAPI"
FUNCTION: Final = "APIHandler"
FUNCTION_ROLE: Final = "ApiHandlerRole"
LOG_GROUP: Final = "ApiHandlerLogGroup"
REVOKER: Final = "Revoker"
REVOKER_ROLE: Final = "RevokerRole"
REVOKER_LOG_GROUP: Final = "RevokerLogGroup"
DOCTOR: Final = "Doctor"
DOCTOR_LOG_GROUP: Final = "DoctorLogGroup"
TABLE: Final = "TokensTable"
USED_TABLE: Final = "UsedTokensTable"
SESSIONS_TABLE: Final = "SessionsTable"
BLOCKS_TABLE: Final = "BlocksTable"
QUOTAS_TABLE: Final = "QuotasTable"
REVOCATIONS_TABLE: Final = "RevocationsTable"
# Where a role of the catalog has more than an hour.
SIGNING_KEY: Final = "SigningKey"
SIGNING_ALIAS: Final = "SigningAlias"
# Each with what stands behind the stack's name in its own.
TABLES: Final = {
    TABLE: "tokens",
    USED_TABLE: "used-tokens",
    SESSIONS_TABLE: "sessions",
    BLOCKS_TABLE: "blocks",
    QUOTAS_TABLE: "quotas",
    REVOCATIONS_TABLE: "revocations",
}

# The digest of the configuration, as the function itself and audit records call it.
CONFIGURATION_OUTPUT: Final = "ConfigurationDigest"
# The digest of the summary, which lies under it in the artifacts bucket.
DIGEST_OUTPUT: Final = "SummaryDigest"
# What credvend's tokens name, the name in KMS of the key that signs them, and of which kind new keys are to be.
ISSUER_OUTPUT: Final = "IssuerUrl"
ALIAS_OUTPUT: Final = "SigningAlias"
ALGORITHM_OUTPUT: Final = "SigningAlgorithm"
# Where callers find an API that has a domain name of its own.
DOMAIN_OUTPUT: Final = "CustomDomainURL"


def table_name(stage: str, table: str) -> str:
    """The table of a deployed stage, as .chalice/template.json names it.

    Args:
        table: its logical id.

    Raises:
        OperationFailed: no stage can be called so.
    """
    return f"{_stack(stage)}-{TABLES[table]}"


def function_role_name(stage: str, region: str) -> str:
    """The role of the function that vends, as .chalice/template.json names it, whether it is there yet or not.

    Raises:
        OperationFailed: no stage can be called so.
    """
    return f"{_stack(stage)}-{region}"


def revoker_role_name(stage: str, region: str) -> str:
    """The role of the revoker, as .chalice/template.json names it, whether it is there yet or not.

    Raises:
        OperationFailed: no stage can be called so.
    """
    return f"{_stack(stage)}-revoker-{region}"


def signing_alias(stage: str) -> str:
    """The name in KMS of the key that signs credvend's tokens, as ops/template/signing.py has it.

    Raises:
        OperationFailed: no stage can be called so.
    """
    return f"alias/{_stack(stage)}-signing"


def _stack(stage: str) -> str:
    if _STAGE.fullmatch(stage) is None:
        raise OperationFailed(f"{stage!r} is no stage: name one of .chalice/config.json.")
    return f"credvend-{stage}"
