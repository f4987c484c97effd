import pytest
from botocore.loaders import Loader

from chalicelib.signing.issuer_url import _SUFFIXES, Api, url_of


def test_the_suffix_of_each_partition_is_botocores() -> None:
    partitions = Loader().load_data("endpoints")["partitions"]
    assert {one["partition"]: one["dnsSuffix"] for one in partitions} == _SUFFIXES


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-central-1", "https://a1b2c3.execute-api.eu-central-1.amazonaws.com/prod"),
        ("us-gov-west-1", "https://a1b2c3.execute-api.us-gov-west-1.amazonaws.com/prod"),
        ("cn-north-1", "https://a1b2c3.execute-api.cn-north-1.amazonaws.com.cn/prod"),
        ("eusc-de-east-1", "https://a1b2c3.execute-api.eusc-de-east-1.amazonaws.eu/prod"),
    ],
)
def test_the_apis_own_url_is_the_issuer(region: str, url: str) -> None:
    assert url_of(Api("a1b2c3", "prod"), region) == url
