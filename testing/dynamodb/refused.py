"""What DynamoDB says when it does not do what it is asked."""

from typing import Final

_STATUS: Final = {"InternalServerError": 500, "ServiceUnavailable": 503}


class Refused(Exception):
    """An error of DynamoDB, as its answer has it."""

    def __init__(self, code: str, message: str, **members: object) -> None:
        """
        Args:
            members: what the error says besides, such as `CancellationReasons`.
        """
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.members = members

    @property
    def status(self) -> int:
        """The answer's status in HTTP."""
        return _STATUS.get(self.code, 400)

    @property
    def body(self) -> dict[str, object]:
        """The answer's body."""
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
        name = "Message" if self.code == "TransactionCanceledException" else "message"
        return {"__type": f"com.amazonaws.dynamodb.v20120810#{self.code}", name: self.message, **self.members}


class InvalidRequest(Refused):
    """DynamoDB cannot do this, whatever the table holds."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class InvalidParameter(InvalidRequest):
    """The same, in the words with which most of its messages begin."""

    def __init__(self, what: str) -> None:
        super().__init__(f"One or more parameter values were invalid: {what}")
