"""The rules that make the local AWS strict, at their limits."""

import json

import pytest

from local.strict.iam_rules import check_attached, check_inline, check_managed, check_trust, named_principals
from local.strict.model_rules import check_model
from local.strict.sts_rules import check_assume_role

ASKED = {"RoleArn": "arn:aws:iam::111122223333:role/reader", "RoleSessionName": "alice"}


def refusal(asked: dict[str, str], chained: bool = False, maximum: int | None = None) -> str:
    refused = check_assume_role(ASKED | asked, chained, maximum)
    return "" if refused is None else refused.message


@pytest.mark.parametrize(
    ("chained", "seconds", "taken"), [(True, 3600, True), (True, 3601, False), (False, 3601, True)]
)
def test_only_chained_sessions_end_after_an_hour(chained: bool, seconds: int, taken: bool) -> None:
    assert (refusal({"DurationSeconds": str(seconds)}, chained) == "") is taken


def test_no_session_is_longer_than_its_role_allows() -> None:
    assert refusal({"DurationSeconds": "7200"}, maximum=7200) == ""
    assert "MaxSessionDuration" in refusal({"DurationSeconds": "7201"}, maximum=7200)


def test_tags_are_fifty_and_differ_in_more_than_case() -> None:
    fifty = _tags({f"k{n}": "v" for n in range(50)})
    assert refusal(fifty) == ""
    assert "'tags'" in refusal(_tags({f"k{n}": "v" for n in range(51)}))
    assert "Duplicate tag keys" in refusal(_tags({"Team": "a", "team": ""}))


def _tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags as the query protocol writes them."""
    return {
        f"Tags.member.{number}.{part}": text
        for number, pair in enumerate(tags.items(), start=1)
        for part, text in zip(("Key", "Value"), pair, strict=True)
    }


def test_what_is_required_must_be_there() -> None:
    assert "'roleSessionName'" in str(check_model("sts", "AssumeRole", {"RoleArn": ASKED["RoleArn"]}))


@pytest.mark.parametrize(("length", "taken"), [(10_240, True), (10_241, False)])
def test_the_size_of_inline_policies_is_counted_without_white_space(length: int, taken: bool) -> None:
    text = "x" * (length - 5) + " \n\t" * 100
    assert (check_inline("role", "reader", {"a": text, "b": "12345"}) is None) is taken


def test_managed_policies_trust_policies_and_attachments_have_limits() -> None:
    assert check_managed("x" * 6_144) is None and check_managed("x" * 6_145) is not None
    assert check_trust("x" * 2_048) is None and check_trust("x" * 2_049) is not None
    assert check_attached(10) is None and check_attached(11) is not None


def test_roles_and_users_are_principals_that_must_be_there() -> None:
    arns = ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/b"]
    document = {"Statement": [{"Principal": {"AWS": arns}}, {"Principal": {"Service": "lambda.amazonaws.com"}}]}
    assert list(named_principals(json.dumps(document))) == [arns[0], arns[2]]
    assert list(named_principals({"Statement": {"Principal": "*"}})) == []
