"""What operators are told in the log, beside the audit records."""

import logging
import traceback
from contextlib import suppress

_LOG = logging.getLogger("credvend")


def tell_operators(message: str, *arguments: object) -> None:
    """Log an error. A log that cannot be written never fails a request: what must not be lost is the audit log.

    Lambda's handler of the root logger lets errors of its pipe through, which logging's own handlers swallow (class
    `LambdaLoggerHandler` of bootstrap.py in https://github.com/aws/aws-lambda-python-runtime-interface-client).
    """
    with suppress(Exception):
        _LOG.error(message, *arguments)


def tell_of_unforeseen(error: BaseException, request_id: str) -> None:
    """Log where an error happened that nobody foresaw. Its message may hold anything, and stays out."""
    place = "".join(traceback.format_tb(error.__traceback__))
    tell_operators("request %s: unforeseen %s at\n%s", request_id, type(error).__name__, place)
