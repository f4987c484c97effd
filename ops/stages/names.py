"""What a stage's stack calls its resources, by logical ids, and its outputs."""

from typing import Final

API: Final = "RestAPI"
FUNCTION: Final = "APIHandler"
FUNCTION_ROLE: Final = "ApiHandlerRole"
LOG_GROUP: Final = "ApiHandlerLogGroup"
TABLE: Final = "TokensTable"
USED_TABLE: Final = "UsedTokensTable"

# The digest of the configuration, as the function itself and audit records call it.
CONFIGURATION_OUTPUT: Final = "ConfigurationDigest"
# The digest of the summary, which lies under it in the artifacts bucket.
DIGEST_OUTPUT: Final = "SummaryDigest"
