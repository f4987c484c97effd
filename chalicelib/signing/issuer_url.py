"""What credvend's own tokens name as their issuer: where STS finds the keys that they are checked with."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from chalicelib.aws.client import session

# Of execute-api, by partition: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html.
# tests/unit/chalicelib/signing/test_issuer_url.py holds this against botocore's data.
_SUFFIXES: Final[Mapping[str, str]] = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-us-gov": "amazonaws.com",
}


class Api(NamedTuple):
    """The API that a request came through, as API Gateway says it.

    Attributes:
        id: of the REST API; stage: of it.
    """

    id: str
    stage: str


def url_of(api: Api, region: str) -> str:
    """The API's own URL, which is the issuer where nothing else is set.

    From what API Gateway says of itself, not from the name that a client called it by.

    Raises:
        KeyError: botocore knows a partition that this does not.
        botocore.exceptions.UnknownRegionError: it does not know the region.
    """
    partition = str(session().get_partition_for_region(region))
    return f"https://{api.id}.execute-api.{region}.{_SUFFIXES[partition]}/{api.stage}"
