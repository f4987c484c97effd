"""A role's policy: where placeholders may stand, and what values become in them."""

import re

import pytest

from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.errors import InvalidRequest
from chalicelib.roles.guards import Bounds
from chalicelib.roles.policy_template import PolicyTemplate, parse_policy
from chalicelib.roles.template import Placeholder
from chalicelib.roles.template_values import Values

GOOD: dict[str, object] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
SLOT = "a/${claims.tenant}"


def parse(**changes: object) -> PolicyTemplate:
    """A policy of one statement, with changes in that; None takes an element away."""
    statement = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return parse_policy({"Version": "2012-10-17", "Statement": statement})


def fill(policy: PolicyTemplate, tenant: str, bounds: dict[Placeholder, Bounds] | None = None) -> object:
    caller = OidcSubject("local", "somebody", claims=(("tenant", tenant),))
    (statement,) = policy.fill(Values("data", caller, {"area": "area"}, bounds or {}))
    return statement


def resource(text: str, tenant: str) -> object:
    """What becomes of a text as a resource."""
    filled = fill(parse(Resource=text), tenant)
    assert isinstance(filled, dict)
    return filled["Resource"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("acme", "a/acme"),
        ("*", "a/${*}"),
        ("?", "a/${?}"),
        ("$", "a/${$}"),
        ("${aws:username}", "a/${$}{aws:username}"),
        ("${*}", "a/${$}{${*}}"),
        ("${claims.tenant}", "a/${$}{claims.tenant}"),
        ('"},{"Effect":"Allow"', 'a/"},{"Effect":"Allow"'),
        ("../b", "a/../b"),
    ],
)
def test_a_value_matches_itself_alone(value: str, text: str) -> None:
    filled = fill(parse(Condition={"StringLike": {"s3:prefix": SLOT}}), value)
    assert isinstance(filled, dict) and filled["Condition"] == {"StringLike": {"s3:prefix": text}}


def test_every_other_text_stays_as_it_is() -> None:
    statement = {
        "Sid": "A",
        "Effect": "Deny",
        "NotAction": ["s3:*", "sqs:${aws:x}"],
        "NotResource": ["${aws:username}/*", SLOT, "*"],
        "Condition": {"StringNotLike": {"s3:prefix": [SLOT, "", "*"]}, "NumericLessThan": {"s3:max-keys": [10, True]}},
    }
    (filled,) = parse_policy({"Version": "2012-10-17", "Statement": [statement]}).fill(
        Values("data", OidcSubject("local", "x", claims=(("tenant", "t"),)), {}, {})
    )
    assert filled == statement | {
        "NotResource": ["${aws:username}/*", "a/t", "*"],
        "Condition": {"StringNotLike": {"s3:prefix": ["a/t", "", "*"]}, "NumericLessThan": {"s3:max-keys": [10, True]}},
    }


@pytest.mark.parametrize("version", [None, "2008-10-17"])
def test_the_version_must_be_the_one_that_knows_escapes(version: str | None) -> None:
    with pytest.raises(ValueError, match=r'^Version must be "2012-10-17": in an older one, IAM knows no variables'):
        parse_policy({"Statement": GOOD} | ({} if version is None else {"Version": version}))


def test_what_is_no_document_is_no_policy() -> None:
    with pytest.raises(ValueError, match=r"^Statement\[0\]\.Effect must be"):
        parse(Effect="allow")


OPERATORS = [
    f"{sets}{kind}{negated}{how}{if_exists}"
    for sets in ("", "ForAllValues:", "ForAnyValue:")
    for kind, hows in (("String", ("Equals", "EqualsIgnoreCase", "Like")), ("Arn", ("Equals", "Like")))
    for how in hows
    for negated in ("", "Not")
    for if_exists in ("", "IfExists")
]


@pytest.mark.parametrize("operator", OPERATORS)
def test_conditions_on_texts_and_arns_take_placeholders_in_a_deny_and_in_an_allow_that_does_not_exclude(
    operator: str,
) -> None:
    condition = {operator: {"aws:x": [SLOT, "fixed"]}}
    filled = fill(parse(Effect="Deny", Condition=condition), "*")
    assert isinstance(filled, dict) and filled["Condition"] == {operator: {"aws:x": ["a/${*}", "fixed"]}}
    if "Not" not in operator:
        assert parse(Condition=condition).placeholders
        return
    with pytest.raises(
        ValueError, match=r"an Allow must not exclude \$\{claims.tenant\}: it would grant everything else"
    ):
        parse(Condition=condition)


def test_an_allow_of_everything_but_a_value_is_refused() -> None:
    """Whoever has another value would be granted this one."""
    where = r"^Statement\[0\]\.NotResource: an Allow must not exclude"
    with pytest.raises(ValueError, match=where):
        parse(Resource=None, NotResource=["b", SLOT])
    assert parse(Effect="Deny", Resource=None, NotResource=["b", SLOT]).placeholders


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"Sid": SLOT}, "Sid"),
        ({"Action": SLOT}, "Action"),
        ({"Action": ["s3:*", "s3:${params.action}"]}, "Action"),
        ({"Action": None, "NotAction": "s3:${caller.name}"}, "NotAction"),
        ({"Condition": {"NumericEquals": {"s3:max-keys": SLOT}}}, "Condition.NumericEquals.s3:max-keys"),
        ({"Condition": {"Bool": {"a": [SLOT]}}}, "Condition.Bool.a"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "${params.a}/32"}}}, "Condition.IpAddress.aws:SourceIp"),
        ({"Condition": {"Null": {"a": SLOT}}}, "Condition.Null.a"),
        ({"Condition": {"stringlike": {"a": SLOT}}}, "Condition.stringlike.a"),
        ({"Condition": {"StringLike ": {"a": SLOT}}}, "Condition.StringLike .a"),
        ({"Condition": {"BinaryEquals": {"a": SLOT}}}, "Condition.BinaryEquals.a"),
        ({"Condition": {"StringLike": {"aws:PrincipalTag/${claims.tenant}": "a"}}}, "Condition.StringLike"),
    ],
)
def test_a_placeholder_elsewhere_is_refused_with_the_place(changes: dict[str, object], place: str) -> None:
    """IAM expands no variables there, so it would not know the escapes for what they are."""
    with pytest.raises(ValueError) as raised:
        parse(**changes)
    assert str(raised.value) == (
        f"Statement[0].{place}: placeholders may stand in Resource, NotResource, and the values of conditions on texts "
        "and ARNs only"
    )


def test_a_template_that_is_none_is_refused_with_the_place() -> None:
    with pytest.raises(ValueError, match=r"^Statement\[0\]\.Condition\.StringLike\.s3:prefix: .* `\$` right before"):
        parse(Condition={"StringLike": {"s3:prefix": ["", "$" + SLOT[2:]]}})
    with pytest.raises(ValueError, match=r"^Statement\[0\]\.Resource: right after .* must stand a plain character"):
        parse(Resource="${claims.tenant}*")


def test_a_value_cannot_hold_what_separates_it_from_a_wildcard() -> None:
    assert resource("data/${claims.tenant}/*", "a-b") == "data/a-b/*"
    with pytest.raises(InvalidRequest, match=r"may not hold `/` there"):
        resource("data/${claims.tenant}/*", "a/b")


@pytest.mark.parametrize(("value", "held"), [("a-B", "-"), ("aXb", "X"), ("axb", "x")])
def test_where_case_makes_no_difference_the_separator_is_kept_out_in_either_case(value: str, held: str) -> None:
    text = "${claims.tenant}x${params.area}" if held in "xX" else "${claims.tenant}-${params.area}"
    with pytest.raises(InvalidRequest, match=f"may not hold `{held}` there"):
        fill(parse(Condition={"StringEqualsIgnoreCase": {"a": text}}), value)
    if held == "X":
        assert fill(parse(Condition={"StringEquals": {"a": text}}), value)


FIELDS = [
    "arn:${claims.tenant}:s3:::b",
    "arn:aws:${claims.tenant}:::b",
    "arn:aws:sqs:${claims.tenant}:1:b",
    "arn:aws:sqs:eu-${claims.tenant}-1:1:b",
    "arn:aws:sqs:${aws:RequestedRegion}:${claims.tenant}:b",
    "arn:aws:sqs:eu:${claims.tenant}:b",
]


@pytest.mark.parametrize("text", FIELDS)
@pytest.mark.parametrize("value", ["a:b", "*", "?", "$", "a/b", "a_b", "é", "a.b", " "])
def test_before_the_resource_of_an_arn_a_value_stays_in_its_field(text: str, value: str) -> None:
    """There, a colon would begin the next field, and IAM expands no variables, so no escapes."""
    for condition in (False, True):
        policy = parse(Condition={"ArnLike": {"aws:SourceArn": text}}) if condition else parse(Resource=text)
        assert fill(policy, "eu-West-1")
        with pytest.raises(InvalidRequest, match=r"may hold only letters, digits and `-` in that place of an ARN"):
            fill(policy, value)


def test_no_bounds_let_a_value_out_of_its_field() -> None:
    lax = {Placeholder("claims", "tenant"): Bounds(re.compile("[a-z]+:[a-z]+"), ":")}
    with pytest.raises(InvalidRequest, match="in that place of an ARN"):
        fill(parse(Resource=FIELDS[-1]), "a:b", lax)


RESOURCES = [
    ("arn:aws:dynamodb:eu-west-1:111122223333:table/${claims.tenant}", "victim/index/by-email"),
    ("arn:aws:lambda:eu-west-1:111122223333:function:${claims.tenant}", "victim:prod"),
    ("arn:aws:s3:::data-${claims.tenant}", "x/key"),
    ("arn:aws:s3:::${claims.tenant}-data/*", "payroll/x"),
]


@pytest.mark.parametrize(("text", "value"), RESOURCES)
def test_a_value_does_not_make_another_kind_of_resource(text: str, value: str) -> None:
    """Such as an index of another's table, an alias of another's function, an object of a bucket that is not meant."""
    for statement in (
        parse(Resource=text),
        parse(Resource=None, NotResource=text, Effect="Deny"),
        parse(Condition={"StringEquals": {"aws:SourceArn": text}}),
    ):
        with pytest.raises(InvalidRequest, match=r"may not hold `[:/]` there"):
            fill(statement, value)
        assert fill(statement, value, {Placeholder("claims", "tenant"): Bounds(re.compile(".+"), "/:")})


def test_all_placeholders_are_known_and_the_shortest_form_has_none() -> None:
    policy = parse(Resource=[SLOT, "b"], Condition={"StringLike": {"a": "${params.area}/${caller.name}"}})
    assert {str(placeholder) for placeholder in policy.placeholders} == {
        "${claims.tenant}",
        "${params.area}",
        "${caller.name}",
    }
    assert policy.without_placeholders() == (GOOD | {"Resource": ["a/", "b"], "Condition": {"StringLike": {"a": "/"}}},)
