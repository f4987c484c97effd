"""A template that certainly keeps nothing apart is no template: whoever reads the catalog is told.

What a policy grants is asked of `testing/iam_policy.py`, an evaluator that knows nothing of credvend.
"""

import json
import random
from collections import Counter

import pytest

from chalicelib.aws.policy_document import VERSION, Json, Statement, check_document
from chalicelib.roles.policy_template import parse_policy
from chalicelib.roles.scoping_lint import lint_scoping
from testing.iam_policy import Context, Request, grants

TENANT = "${claims.tenant}"
OURS = f"arn:aws:s3:::data/{TENANT}/*"
BUCKET = "arn:aws:s3:::data"


def statement(**changes: Json) -> Statement:
    """An Allow on the tenant's folder, changed; None leaves an element out."""
    whole: Statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OURS}
    return {key: value for key, value in (whole | changes).items() if value is not None}


def lint(*statements: Statement) -> None:
    document = {"Version": VERSION, "Statement": list(statements)}
    parse_policy(document)
    lint_scoping(check_document(document))


def prefix(operator: str, *values: str, **more: Json) -> Statement:
    """Statement that lists what has a prefix."""
    condition: dict[str, Json] = {operator: {"s3:prefix": list(values) or f"{TENANT}/*"}}
    return statement(Action="s3:ListBucket", Resource=BUCKET, Condition=condition | more)


def deny(**changes: Json) -> Statement:
    return statement(Effect="Deny", **changes)


PARAM = "arn:aws:s3:::data/${params.area}/*"


@pytest.mark.parametrize(
    "statements",
    [
        [statement()],
        [statement(Resource=[OURS, "arn:aws:s3:::data/public/*", "arn:aws:s3:::data2/*"])],
        [statement(), prefix("StringLike")],
        [prefix("StringLike", f"{TENANT}/*", "", "public/*")],
        # In exact comparisons, `*` is a star.
        [prefix("StringEquals", f"{TENANT}/", "*")],
        # Another Allow, of other things.
        [statement(), statement(Action=None, NotAction="s3:Get*", Resource="*")],
        [statement(), statement(Resource=None, NotResource="arn:aws:s3:::data/*")],
        [statement(), statement(Resource="*", Condition={"StringEquals": {"s3:ExistingObjectTag/public": "yes"}})],
        [statement(), statement(Resource="*", Condition={"StringEqualsIfExists": {"aws:RequestedRegion": "x"}})],
        [
            statement(),
            statement(
                Resource="*", Condition={"StringEqualsIfExists": {"s3:a": "x"}, "Null": {"s3:a": "false"}}
            ),
        ],
        [statement(), statement(Resource="*"), deny(Action="s3:*", Resource=None, NotResource=OURS)],
        # With the key demanded, or with a guard beside it.
        [prefix("ForAllValues:StringLike", Null={"s3:prefix": "false"})],
        [prefix("StringLikeIfExists", Null={"S3:Prefix": [False]})],
        [statement(Condition={"StringEqualsIfExists": {"s3:ExistingObjectTag/tenant": TENANT}})],
        [prefix("ForAnyValue:StringLike")],
        # What is not the tenant's is denied, also where the key is missing.
        [statement(Action="s3:*", Resource="*"), deny(Action="*", Resource=None, NotResource=[OURS, BUCKET])],
        [
            statement(Action="s3:ListBucket", Resource=BUCKET),
            deny(Action="*", Resource="*", Condition={"StringNotLikeIfExists": {"s3:prefix": f"{TENANT}/*"}}),
        ],
        [statement(), deny(Resource=f"arn:aws:s3:::data/{TENANT}/secret")],
        # Callers narrow their own sessions.
        [statement(Resource=PARAM)],
        [statement(), deny(Action="*", Resource=None, NotResource=PARAM)],
        [statement(), statement(Action="s3:*", Resource="*"), deny(Action="*", Resource=None, NotResource=OURS)],
        # Other actions, other resources, or other conditions.
        [statement(), statement(Action="s3:ListAllMyBuckets", Resource="*")],
        [statement(), statement(Resource="arn:aws:s3:::public/*")],
        [statement(), statement(Resource="*", Condition={"Bool": {"aws:SecureTransport": "true"}})],
        [statement(), statement(Resource="arn:aws:s3:::data/${aws:PrincipalTag/team}/*")],
        [statement(Action="s3:Get*"), statement(Action="s3:GetObject", Resource="*")],
        [prefix("StringLike"), prefix("StringEquals", "", Null={"s3:delimiter": "true"})],
        [prefix("StringLike"), statement(Action="*", Resource=BUCKET, Condition={"Null": {"aws:SourceIp": "true"}})],
        # One character is not every tenant; and `*` stays in its field of an ARN.
        [statement(Resource=[OURS, "arn:aws:s3:::data/?/*"])],
        [statement(Condition={"ArnLike": {"aws:SourceArn": [f"arn:aws:sqs:*:*:q-{TENANT}", "arn:*"]}})],
        [statement(Condition={"ArnLike": {"aws:SourceArn": [f"arn:aws:sqs:*:*:q-{TENANT}", "arn:aws:sns:*:*:*"]}})],
    ],
)  # fmt: skip
def test_what_keeps_tenants_apart_is_left_alone(statements: list[Statement]) -> None:
    lint(*statements)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        # True where the key is missing.
        ([prefix("ForAllValues:StringLike")], r"Statement\[0\].Condition.ForAllValues:StringLike.s3:prefix holds for"),
        ([prefix("StringLikeIfExists")],
         r"requests without s3:prefix too, so \$\{claims.tenant\} keeps nothing apart"),
        ([prefix("ForAllValues:StringEqualsIfExists", TENANT)],
         r"demand the key with Null: \{\"s3:prefix\": \"false\""),
        ([prefix("StringLikeIfExists", Null={"s3:delimiter": "false"})], "holds for requests without s3:prefix"),
        ([prefix("StringLikeIfExists", Null={"s3:prefix": ["true", "false"]})], "holds for requests without"),
        (
            [statement(Resource=[OURS, BUCKET], Condition={"StringLikeIfExists": {"s3:prefix": f"{TENANT}/*"}})],
            "holds for requests without",
        ),
        ([prefix("StringLike", Null={"s3:prefix": "true"})], "Null demands that there is no s3:prefix"),
        ([prefix("StringLikeIfExists", Null={"s3:prefix": True})], "Null demands that there is no"),
        ([prefix("StringLike"),
          statement(Action="s3:ListBucket", Resource=BUCKET, Condition={"Null": {"s3:prefix": "true"}})],
         r"Statement\[1\] allows s3:ListBucket"),
        # Something else beside it that matches all.
        ([statement(Resource=[OURS, "*"])], r"Statement\[0\].Resource: '\*' matches all that 'arn:aws:s3:::data/\$"),
        ([statement(Resource=["arn:aws:s3:::data/*", OURS])], "so \\$\\{claims.tenant\\} keeps nothing apart"),
        ([statement(Resource=["arn:aws:s3:::d?ta/*/*", OURS])], "matches all that"),
        ([prefix("StringLike", f"{TENANT}/*", "*")], r"Condition.StringLike.s3:prefix: '\*' matches all"),
        ([prefix("ForAnyValue:StringLike", f"{TENANT}/*", "*/*")], "matches all that"),
        (
            [statement(Condition={"ArnLike": {"aws:SourceArn": [f"arn:aws:sqs:*:*:q-{TENANT}", "arn:aws:sqs:*:*:*"]}})],
            "matches all that",
        ),
        ([statement(Condition={"ArnEquals": {"aws:SourceArn": [f"arn:aws:sqs:a:b:q-{TENANT}", "*"]}})], "matches all"),
        # A Deny that never applies, or where callers like.
        ([statement(), deny(Resource=None, NotResource=[OURS, "*"])], "so the Deny never applies"),
        (
            [statement(), deny(Resource="*", Condition={"StringNotLike": {"s3:prefix": [f"{TENANT}/*", "*"]}})],
            r"Statement\[1\].Condition.StringNotLike.s3:prefix: '\*' matches all .*, so the Deny never applies",
        ),
        ([statement(), deny(Resource=PARAM)], r"Statement\[1\].Resource: callers choose \$\{params.area\}"),
        (
            [statement(), deny(Resource=f"arn:aws:s3:::data/{TENANT}/${{params.area}}")],
            r"callers choose \$\{params.area\}, so a Deny of it denies what they like",
        ),
        (
            [statement(), deny(Resource="*", Condition={"StringEquals": {"aws:ResourceTag/a": "${params.area}"}})],
            r"StringEquals.aws:ResourceTag/a: callers choose",
        ),
        # Another Allow that grants the same to all.
        ([statement(), statement(Action="*", Resource="*")], r"Statement\[1\] allows s3:GetObject whatever \$\{claims"),
        ([statement(Action="S3:*", Resource="arn:aws:s3:::data/*"), statement()], r"undoes Statement\[1\]"),
        ([prefix("StringLike"), statement(Action="s3:List*", Resource="*")], r"allows s3:ListBucket whatever"),
        ([statement(Action=["s3:PutObject", "s3:GetObject"]), statement(Resource="*")], "allows s3:GetObject whatever"),
        ([statement(Resource=[BUCKET, OURS]), statement(Resource="*")], "allows s3:GetObject whatever"),
        (
            [
                statement(Condition={"StringLike": {"s3:prefix": TENANT}}),
                statement(Resource="*", Condition={"Null": {"s3:prefix": "true"}}),
            ],
            "allows s3:GetObject whatever",
        ),
        ([statement(), statement(Resource="*", Condition={})], "allows s3:GetObject whatever"),
        ([statement(), statement(Action=None, NotAction="iam:*", Resource="*")], "allows s3:GetObject whatever"),
        ([statement(), statement(Resource=None, NotResource="arn:aws:s3:::other/*")], "allows s3:GetObject whatever"),
        # Its conditions hold for all, or where a key is missing.
        ([statement(), statement(Resource="*", Condition={"StringLike": {"aws:PrincipalArn": "*"}})], "whatever"),
        ([statement(), statement(Resource="*", Condition={"StringEqualsIfExists": {"s3:a": "x"}})], "whatever"),
        ([statement(), statement(Resource="*", Condition={"ForAllValues:StringLike": {"s3:a": "x"}})], "whatever"),
        # A Deny of something else takes nothing of it back.
        ([statement(), statement(Resource="*"), deny(Action="ec2:*")], "allows s3:GetObject whatever"),
        # A key that is compared with itself.
        ([prefix("StringLike", f"{TENANT}/*", "${s3:Prefix}")], "compares the key with itself, so"),
        # Misspelt.
        ([statement(Resource="arn:aws:s3:::data/$(claims.tenant)/*")], "nearly a placeholder"),
        ([statement(Resource="arn:aws:s3:::data/{params.tenant}/*")], "nearly a placeholder"),
        ([statement(Condition={"StringEquals": {"a": "{ Caller: name }"}})], "nearly a placeholder"),
        ([statement(Condition={"StringEquals": {"{claim.a}": "b"}})], "placeholders may stand in|nearly a placeholder"),
    ],
)  # fmt: skip
def test_what_keeps_nothing_apart_is_told_by_its_place(statements: list[Statement], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lint(*statements)


RESOURCES: tuple[Json, ...] = (OURS, OURS, [OURS, BUCKET], [OURS, "*"], BUCKET, [BUCKET, "arn:aws:s3:::data/*"], "*")
OPERATORS = [
    f"{sets}{operator}{if_exists}"
    for sets in ("", "ForAllValues:", "ForAnyValue:")
    for operator in ("StringLike", "StringEquals")
    for if_exists in ("", "IfExists")
]
VALUES: tuple[Json, ...] = (f"{TENANT}/*", TENANT, [f"{TENANT}/*", "*"], [f"{TENANT}/*", "acme/public"], "acme", "*")
# What another tenant's requests look like, with and without the key.
CONTEXTS: tuple[Context, ...] = (
    {},
    {"s3:prefix": "globex/a"},
    {"s3:prefix": "globex"},
    {"s3:prefix": ["globex/a", "globex/b"]},
)
FOREIGN: tuple[tuple[str, Context], ...] = tuple(
    (resource, context) for resource in ("arn:aws:s3:::data/globex/a", BUCKET) for context in CONTEXTS
)


def any_statement(rng: random.Random) -> Statement:
    condition: dict[str, Json] = {}
    for _ in range(rng.choice((0, 1, 1, 2))):
        condition[rng.choice(OPERATORS)] = {"s3:prefix": rng.choice(VALUES)}
    if rng.random() < 0.3:
        condition["Null"] = {"s3:prefix": rng.choice(("true", "false"))}
    return {"Effect": "Allow", "Action": "s3:*", "Resource": rng.choice(RESOURCES), "Condition": condition}


def lets_in(one: Statement, resource: str, context: Context) -> bool:
    """Whether a session of the tenant `acme` may do it."""
    filled = json.loads(json.dumps(one).replace(TENANT, "acme"))
    return grants({"Version": VERSION, "Statement": [filled]}, Request("s3:GetObject", resource, context))


def is_scoped(one: Statement) -> bool:
    """Whether it is meant to keep tenants apart, by its conditions or by all that it is about."""
    resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
    return TENANT in json.dumps(one["Condition"]) or all(TENANT in str(resource) for resource in resources)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_accepted_lets_no_tenant_reach_another(seed: int) -> None:
    rng = random.Random(f"scoping-{seed}")  # noqa: S311 nothing secret hangs on it
    seen: Counter[str] = Counter()
    for one in filter(is_scoped, (any_statement(rng) for _ in range(1000))):
        reaches = any(lets_in(one, *request) for request in FOREIGN)
        try:
            lint(one)
        except ValueError:
            seen["refused, and reaches others" if reaches else "refused"] += 1
        else:
            seen["accepted"] += 1
            assert not reaches, one
    assert seen["accepted"] > 50 and seen["refused, and reaches others"] > 50, seen
