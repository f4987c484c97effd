"""What a stage's stack calls its resources, by logical ids, and its outputs."""

from typing import Final

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


def table_name(stage: str, table: str) -> str:
    """The table of a deployed stage, as .chalice/template.json names it.

    Args:
        table: its logical id.
    """
    return f"credvend-{stage}-{TABLES[table]}"
