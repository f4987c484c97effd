"""A deployment takes roles of its own partition alone."""

from dataclasses import replace

import pytest

from chalicelib.errors import ConfigError
from chalicelib.roles.role import Role
from ops.aws.partition import check_partition, partition_of
from ops.errors import CommandFailed
from tests.unit.chalicelib.decisions.test_authorizer import role


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("eusc-de-east-1", "aws-eusc"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_region_tells_the_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition


def test_what_is_no_region_is_said_to_be_none() -> None:
    with pytest.raises(CommandFailed, match="'nowhere-1' is no region of AWS: look at AWS_REGION"):
        partition_of("nowhere-1")


def of(partition: str, name: str) -> Role:
    return replace(role(name), arn=f"arn:{partition}:iam::111122223333:role/{name}")


def test_roles_of_the_deployments_partition_are_taken() -> None:
    check_partition((of("aws-cn", "a"), of("aws-cn", "b")), "cn-northwest-1")
    check_partition((of("aws-cn", "a"), of("aws-cn", "b")), None)
    check_partition((), "eu-west-1")


def test_a_role_of_another_partition_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        check_partition((of("aws", "a"), of("aws-cn", "b")), "eu-west-1")
    assert refused.value.problems[0] == (
        "roles.yaml: role 'b': its ARN is of partition aws-cn; eu-west-1, where this goes, is of aws"
    )
    assert "deploy to each" in refused.value.problems[-1]


def test_roles_of_two_partitions_are_refused_wherever_it_goes() -> None:
    with pytest.raises(ConfigError, match=r"role 'b': its ARN is of partition aws-cn; that of role 'a' is aws"):
        check_partition((of("aws", "a"), of("aws-cn", "b")), None)


def test_of_thousands_of_strange_roles_a_few_are_named() -> None:
    with pytest.raises(ConfigError) as refused:
        check_partition(tuple(of("aws", f"r{number}") for number in range(2000)), "cn-north-1")
    assert len(refused.value.problems) == 7 and "and 1,995 more roles" in refused.value.problems[5]
