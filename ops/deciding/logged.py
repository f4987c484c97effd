"""Audit records of one request: from lines of a log, wherever they are."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from ops.deciding.recorded import SERVICE, NotRecorded, Recorded, recorded
from ops.documents.json_object import json_object

Record = Mapping[str, object]


def pattern_of(request_id: str) -> str:
    """What CloudWatch Logs is asked for to get the records of a request.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

    Args:
        request_id: Lambda's, of letters, digits and `-`.
    """
    return f'{{ ($.service = "{SERVICE}") && ($.request_id = "{request_id}") }}'


def records_in(text: str) -> list[Record]:
    """The audit records that a text holds: one or several objects of JSON, or lines of which each has one.

    What stands before an object on its line, such as the time that `aws logs tail` prints, is not looked at.
    """
    try:
        documents = json.loads(text)
    except ValueError:
        documents = [json_object(line[line.find("{") :]) for line in text.splitlines() if "{" in line]
    found = documents if isinstance(documents, list) else [documents]
    return [cast(Record, one) for one in found if isinstance(one, dict) and one.get("service") == SERVICE]


def request_in(records: Iterable[Record], request_id: str | None) -> Recorded:
    """The request that records tell of; the latest of its records tells how it ended.

    Args:
        request_id: which; None: there must be one alone.

    Raises:
        NotRecorded: there is none, there are several, or it is none for a role.
    """
    of_request = [one for one in records if request_id in (None, one.get("request_id"))]
    ids = list(dict.fromkeys(str(one.get("request_id")) for one in of_request))
    if not ids:
        raise NotRecorded("there is no audit record of it")
    if len(ids) > 1:
        raise NotRecorded(f"there are records of {len(ids)} requests: --request says which, such as {ids[-1]}")
    found = list(_readable(of_request))
    # None of them can be read: say why.
    return found[-1] if found else recorded(of_request[-1])


def _readable(records: Iterable[Record]) -> Iterator[Recorded]:
    for record in records:
        try:
            yield recorded(record)
        except NotRecorded:
            continue
