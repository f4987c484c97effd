"""What AWS answers, as botocore gives it on: some answers it cannot read, and of some it reads only a part."""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

# What botocore raises of an answer: no XML, a tag that is not there, text instead of a number or a time (tried).
UNREADABLE: Final = (ResponseParserError, LookupError, RuntimeError, TypeError, ValueError)


def request_id_of(answer: Mapping[str, Any]) -> str | None:
    """The id that AWS gave a call, as CloudTrail has it; None: the answer does not tell it."""
    request_id: str | None = answer.get("ResponseMetadata", {}).get("RequestId")
    return request_id


def code_of(error: Exception) -> str:
    """What AWS calls the error, `Unknown` where the answer does not tell it; or why there is no answer to be read."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__
