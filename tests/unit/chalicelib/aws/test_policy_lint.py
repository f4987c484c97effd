"""What STS would refuse at each vend is found when the catalog is read."""

import pytest

from chalicelib.aws.policy_document import Json, Statement, check_document
from chalicelib.aws.policy_lint import lint

GOOD: Statement = {"Sid": "A1", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}


def statements(*changes: Statement) -> tuple[Statement, ...]:
    made: list[Json] = [{key: value for key, value in (GOOD | one).items() if value is not None} for one in changes]
    return check_document({"Version": "2012-10-17", "Statement": made})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Sid": None},
        {"Action": ["*", "s3:*", "s3:Get*", "execute-api:Invoke", "S3:getobject", "s3:Get?bject"]},
        {"Action": None, "NotAction": "iam:*"},
        {"Resource": ["*", "arn:aws:s3:::*", "${params.arn}", "arn:aws:iam::${caller.account}:role/x"]},
        {
            "Condition": {
                "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": "a"},
                "Null": {"aws:TokenIssueTime": "false"},
            }
        },
        {"Condition": {"NumericLessThan": {"s3:max-keys": 10}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
        {"Condition": {"StringLike": {"s3:prefix": "${claims.tenant}/*"}}},
    ],
)
def test_what_iam_takes_is_left_alone(change: Statement) -> None:
    lint(statements(change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Sid": "A b-c"}, r"Statement\[0\].Sid must be letters and digits"),
        ({"Action": "GetObject"}, r"Statement\[0\].Action 'GetObject' must be `\*`, or like `s3:GetObject`"),
        ({"Action": ["s3:*", "s3:Get Object"]}, "'s3:Get Object' must be"),
        ({"Action": None, "NotAction": "s3"}, r"Statement\[0\].NotAction 's3' must be"),
        ({"Resource": "data/*"}, r"Resource 'data/\*' must be `\*`, or an ARN"),
        ({"Resource": "arn:aws:${claims.tenant}"}, "must be `\\*`, or an ARN"),
        ({"Resource": None, "NotResource": "x"}, r"Statement\[0\].NotResource 'x' must be"),
        ({"Condition": {"StringLikes": {"a": "b"}}}, r"Statement\[0\].Condition.StringLikes is no operator that"),
        ({"Condition": {"StringEqual": {"a": "b"}}}, r"IAM knows; did you mean StringEquals\?"),
        ({"Condition": {"StringEqualIfExists": {"a": "b"}}}, r"IAM knows; did you mean StringEqualsIfExists\?"),
        ({"Condition": {"ForAnyValues:StringLik": {"a": "b"}}}, r"did you mean ForAnyValue:StringLike\?"),
        ({"Condition": {"Quite": {"a": "b"}}}, r"is no operator that IAM knows\Z"),
        ({"Condition": {"ForSomeValue:StringLike": {"a": "b"}}}, "is no operator that IAM knows"),
        ({"Condition": {"stringlike": {"a": "b"}}}, "is no operator that IAM knows"),
    ],
)
def test_what_iam_would_not_take_is_told_by_its_place(change: Statement, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lint(statements(change))


def test_two_statements_have_no_name_in_common() -> None:
    lint(statements({}, {"Sid": "B"}, {"Sid": None}, {"Sid": None}))
    with pytest.raises(ValueError, match=r"Statement\[1\].Sid must be letters and digits, and no other statement's"):
        lint(statements({}, {}))
