"""In which states a stack is deployed to, and what is said of the others."""

import pytest

from ops.cloudformation.stack import find_deployed
from ops.errors import CommandFailed
from tests.unit.ops.cloudformation.cloudformation import NAME, CloudFormation


@pytest.mark.parametrize(
    "state",
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"],
)
def test_a_stack_in_a_stable_state_is_deployed_to(state: str) -> None:
    found = find_deployed(CloudFormation({}, state), NAME)
    assert found is not None and found.updated is not None and found.updated.year == 2026


@pytest.mark.parametrize(
    ("state", "way"),
    [
        ("UPDATE_FAILED", "rollback-stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("ROLLBACK_FAILED", "delete-stack"),
    ],
)
def test_of_another_state_the_way_out_is_said(state: str, way: str) -> None:
    with pytest.raises(CommandFailed, match=f"aws cloudformation {way} --stack-name {NAME}"):
        find_deployed(CloudFormation({}, state), NAME)
