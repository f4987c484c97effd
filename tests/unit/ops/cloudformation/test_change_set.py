"""What is said of a change that fails."""

import pytest

from ops.cloudformation.change_set import ChangeSet, execute, plan_change
from ops.cloudformation.failures import StackFailed, TakenBack
from tests.unit.ops.cloudformation.cloudformation import NAME, CloudFormation


@pytest.mark.parametrize("why", ["credvend-x-tokens already exists", "(HandlerErrorCode: AlreadyExists)"])
def test_what_a_former_stack_left_is_what_a_first_deployment_fails_for(why: str) -> None:
    first = ChangeSet("change", NAME, True, ())
    with pytest.raises(StackFailed, match=r"log group and its tables.*docs/deploy\.md#when-the-first") as failed:
        execute(CloudFormation({}, "ROLLBACK_COMPLETE", why), first)
    assert why in str(failed.value) and "can be deployed again" not in str(failed.value)
    with pytest.raises(StackFailed, match="can be deployed again"):
        execute(CloudFormation({}, "ROLLBACK_COMPLETE", "AccessDenied"), first)
    with pytest.raises(StackFailed, match=r"docs/deploy\.md#when-the-first"):
        early = "[AWS::EarlyValidation::ResourceExistenceCheck]"
        plan_change(CloudFormation({}, "UPDATE_COMPLETE", early), NAME, "url", {}, is_first=True)


def test_what_failed_stands_beside_what_to_do() -> None:
    update = ChangeSet("change", NAME, False, ())
    with pytest.raises(StackFailed, match=r"(?s)AccessDenied.*rollback-stack"):
        execute(CloudFormation({}, "UPDATE_FAILED", "AccessDenied"), update)
    with pytest.raises(TakenBack) as failed:
        execute(CloudFormation({}, "UPDATE_ROLLBACK_COMPLETE", "AccessDenied"), update)
    assert "AccessDenied" in str(failed.value) and "before is back" not in str(failed.value)
