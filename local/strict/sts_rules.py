"""What STS refuses of AssumeRole, beside what its model and the role's trust policy say."""

import re
from collections.abc import Mapping
from typing import Final

from local.strict.model_rules import Refusal, check_model

# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
CHAINED_SECONDS: Final = 3600
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (Policy, PolicyArns, Tags)
POLICY_CHARACTERS: Final = 2048
MAXIMUM_TAGS: Final = 50
_MAXIMUM_ARNS: Final = 10
_DEFAULT_SECONDS: Final = 3600


def check_assume_role(parameters: Mapping[str, str], chained: bool, maximum: int | None) -> Refusal | None:
    """What STS refuses, or None.

    Args:
        parameters: as the query protocol writes them.
        chained: the caller is itself a session of a role, as a Lambda function always is.
        maximum: MaxSessionDuration of the role, seconds; None: not known here.
    """
    # The limits of these two are not in the model, or are those of all that STS can do with them.
    if len(parameters.get("Policy", "")) > POLICY_CHARACTERS:
        return _invalid(f"Value at 'policy' failed to satisfy constraint: at most {POLICY_CHARACTERS} characters")
    for key, most in (("Tags", MAXIMUM_TAGS), ("PolicyArns", _MAXIMUM_ARNS)):
        numbers = {match[1] for name in parameters if (match := re.match(rf"{key}\.member\.([0-9]+)", name))}
        if len(numbers) > most:
            return _invalid(f"Value at '{key[0].lower() + key[1:]}' failed to satisfy constraint: at most {most}")
    keys = [value.lower() for name, value in parameters.items() if re.fullmatch(r"Tags\.member\.[0-9]+\.Key", name)]
    if len(set(keys)) < len(keys):
        return Refusal("InvalidParameterValue", "Duplicate tag keys found. Tag keys are case insensitive.")
    refusal = check_model("sts", "AssumeRole", parameters)
    if refusal is not None:
        return refusal
    seconds = int(parameters.get("DurationSeconds", _DEFAULT_SECONDS))
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
