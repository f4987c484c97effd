"""The client of DynamoDB."""

from chalicelib.aws.table import dynamodb_client


def test_the_client_gives_up_long_before_the_function_does() -> None:
    config = vars(dynamodb_client("eu-central-1").meta.config)
    assert (config["connect_timeout"], config["read_timeout"]) == (1, 2)
    assert config["retries"]["total_max_attempts"] == 2
