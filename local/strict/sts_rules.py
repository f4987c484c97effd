"""What STS refuses of AssumeRole, beside what its model and the role's trust policy say."""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from local.strict.model_rules import check_model
from local.strict.refusal import Refusal

# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
CHAINED_SECONDS: Final = 3600
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (Policy, PolicyArns, Tags)
POLICY_CHARACTERS: Final = 2048
_LISTS: Final[Mapping[str, int]] = {"Tags": 50, "PolicyArns": 10}
DEFAULT_SECONDS: Final = 3600
# What a member of the request needs besides `sts:AssumeRole`:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
SESSION_ACTIONS: Final[Mapping[str, str]] = {"SourceIdentity": "sts:SetSourceIdentity", "Tags": "sts:TagSession"}


def check_assume_role(members: Mapping[str, object], chained: bool, maximum: int | None) -> Refusal | None:
    """What STS refuses, or None.

    Args:
        members: of the request; numbers may be text.
        chained: the caller is itself a session of a role, as a Lambda function always is.
        maximum: MaxSessionDuration of the role, seconds; None: not known here.
    """
    return _check_sizes(members) or check_model("sts", "AssumeRole", members) or _check_time(members, chained, maximum)


def check_transitive_tags(members: Mapping[str, object], inherited: Iterable[Mapping[str, str]]) -> Refusal | None:
    """What STS refuses of the tags that go on, or None: its words, as people report them.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining

    Args:
        inherited: tags that the caller's own session passes on, whose keys are not to be set again.
    """
    keys = {tag.get("Key", "").lower() for tag in cast(list[dict[str, str]], members.get("Tags", []))}
    if keys & {tag["Key"].lower() for tag in inherited}:
        return Refusal(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
            "from the calling session.",
        )
    if not {key.lower() for key in cast(list[str], members.get("TransitiveTagKeys", []))} <= keys:
        return Refusal(
            "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."
        )
    return None


def own_grant_needed(action: str, *, same_account: bool, named: bool, chained: bool) -> bool:
    """Whether the caller's own policies have to allow one of these actions as well, besides the role's trust policy.

    Within an account, a policy of the resource that names the caller itself is enough:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    A role that assumes a role needs both for a source identity, as everybody does across accounts:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html

    Args:
        named: the trust policy allows the action to the caller itself, not to its account.
    """
    return not (same_account and named) or (chained and action == SESSION_ACTIONS["SourceIdentity"])


def _check_sizes(members: Mapping[str, object]) -> Refusal | None:
    """Limits that are not in the model, or are there those of all that STS can do with these members."""
    if len(str(members.get("Policy", ""))) > POLICY_CHARACTERS:
        return _invalid(f"Value at 'policy' failed to satisfy constraint: at most {POLICY_CHARACTERS} characters")
    for name, most in _LISTS.items():
        if len(cast(list[object], members.get(name, []))) > most:
            return _invalid(f"Value at '{name[0].lower() + name[1:]}' failed to satisfy constraint: at most {most}")
    keys = [tag.get("Key", "").lower() for tag in cast(list[dict[str, str]], members.get("Tags", []))]
    if len(set(keys)) < len(keys):
        return Refusal("InvalidParameterValue", "Duplicate tag keys found. Tag keys are case insensitive.")
    return None


def _check_time(members: Mapping[str, object], chained: bool, maximum: int | None) -> Refusal | None:
    seconds = int(str(members.get("DurationSeconds", DEFAULT_SECONDS)))
    if chained and seconds > CHAINED_SECONDS:
        return Refusal(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    if maximum is not None and seconds > maximum:
        return Refusal(
            "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return None


def _invalid(problem: str) -> Refusal:
    return Refusal("ValidationError", f"1 validation error detected: {problem}")
