"""The audit log: one JSON line an event, and no credentials without one.

Powertools' Logger writes the line; what is special here is that a line that cannot be written is an error, where
logging by itself would swallow it. fields.py says what a line holds.
"""

import json
import logging
import os
from itertools import islice
from typing import Final, Literal

from aws_lambda_powertools import Logger

from chalicelib.audit.standard_output import StandardOutput
from chalicelib.errors import AuditFailed, ConfigError

EventName = Literal[
    "credentials.requested",
    "credentials.vended",
    "credentials.denied",
    "credentials.failed",
    "roles.listed",
    "caller.described",
    "health.reported",
    "sessions.listed",
    "session.read",
    "read.denied",
    "revocation.requested",
    "revocation.refused",
    "authentication.failed",
    "request.failed",
    "revocation.written",
    "revocation.failed",
    "revocation.in_force",
    "revocation.unproved",
    "examination.requested",
    "role.examined",
]


# CloudWatch Logs takes events of 1 MB, and took 256 KB until April 2025, as what reads from it may still do:
# https://aws.amazon.com/about-aws/whats-new/2025/04/amazon-cloudwatch-logs-increases-log-event-size-1-mb/
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html. A character is up to 4 bytes.
MAXIMUM_CHARACTERS: Final = 60_000


class AuditLog:
    """Writes audit events, or raises."""

    def __init__(self) -> None:
        """Set up the logger.

        Raises:
            ConfigError: Lambda's log level would suppress audit records.
        """
        for variable in ("AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL"):
            level = os.environ.get(variable, "INFO").upper()
            if level not in ("TRACE", "DEBUG", "INFO"):
                raise ConfigError([f"{variable}={level} would suppress the audit log: set it to INFO"])
        self._logger = Logger(
            service="credvend.audit",
            level="INFO",
            logger_handler=_AuditHandler(),
            json_serializer=_one_line,
            use_rfc3339=True,
            utc=True,
            location=None,  # always this file: says nothing
        )

    def write(self, event: EventName, fields: dict[str, object]) -> None:
        """Write one event.

        Raises:
            AuditFailed: the line could not be written, or logging is switched off or filtered somewhere in the process.
        """
        before = self._lines_written()
        known = {"event": event} | fields
        try:
            self._logger.info(event, extra={name: value for name, value in known.items() if value is not None})
        except Exception as error:  # whatever stands at sys.stdout, or in the fields
            raise AuditFailed from error
        if self._lines_written() != before + 1:
            raise AuditFailed

    def _lines_written(self) -> int:
        return sum(handler.lines for handler in self._logger.handlers if isinstance(handler, _AuditHandler))


class _AuditHandler(logging.Handler):
    """Writes to standard output, counts what it wrote, and lets errors through, which logging would swallow."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0
        self._output = StandardOutput()

    def emit(self, record: logging.LogRecord) -> None:
        self._output.write_line(self.format(record))
        self.lines += 1


def _one_line(record: dict[str, object]) -> str:
    """JSON on one line, short enough to be kept: of the longest lists, entries are left out until it is."""
    line = _json(record)
    left_out: dict[str, int] = {}
    while len(line) > MAXIMUM_CHARACTERS:
        lists = {name: value for name, value in record.items() if isinstance(value, list | dict) and value}
        if not lists:  # texts have bounds of their own
            break
        longest = max(lists, key=lambda name: len(_json(lists[name])))
        entries = lists[longest]
        kept = islice(entries.items() if isinstance(entries, dict) else entries, len(entries) // 2)
        record[longest] = dict(kept) if isinstance(entries, dict) else list(kept)
        left_out[longest] = left_out.get(longest, 0) + (len(entries) + 1) // 2
        line = _json(record | {"left_out": left_out})
    return line


def _json(record: object) -> str:
    """JSON on one line, in which all that cannot be seen is escaped: other ends of lines, controls, halves of pairs."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
