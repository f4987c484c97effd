"""Attacks by values: whatever a claim or a param holds, the session gets what the operator meant, and nothing more.

What a policy means is asked of `testing/iam_policy.py`, an evaluator that knows nothing of credvend: literal
substitution is what it does with a variable, so a template with its placeholders as variables is what a policy should
mean, and the rendered policy what it does mean.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from chalicelib.aws.policy_document import VERSION, document_of, minify
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.errors import InvalidRequest
from chalicelib.roles.guards import Bounds
from chalicelib.roles.policy_template import PolicyTemplate, parse_policy
from chalicelib.roles.template import Placeholder
from chalicelib.roles.template_values import Values
from testing.app import CredvendApp
from testing.iam_policy import Json, Pattern, Request, Wildcard, fields_of, grants, overlap, pattern_of

# What means something to somebody: IAM, JSON, ARNs, paths, regular expressions, terminals, people.
ATTACKS = (
    "*", "?", "$", "{", "}", "${", "$${", '"', "\\", "/", "//", ".", "..", "../", ":", "::", ",", "\n", "\r", "\0",
    " ", "a", "b", "A", "é", "е", "ａ", "\u200d", "\u202e", "😀", "\ud800", "%2a", "\\u002a", "&#42;",
    "${*}", "${?}", "${$}", "${$}{*}", "${aws:username}", "${aws:PrincipalTag/team}", "${aws:x, '*'}",
    "${claims.tenant}",
    "${params.area}", "arn:aws:s3:::data/b/*", '"},{"Effect":"Allow","Action":"*","Resource":"*"', "}", "]", "'", "`",
)  # fmt: skip
NASTY = st.lists(st.sampled_from(ATTACKS) | st.characters(), min_size=1, max_size=6).map("".join)

# A template of every place where a placeholder may stand.
TEMPLATE: Json = {
    "Version": VERSION,
    "Statement": [
        {
            "Sid": "Objects",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:Put*"],
            "Resource": ["arn:aws:s3:::data/${claims.tenant}/*", "arn:aws:s3:::data/${claims.tenant}/${params.area}"],
        },
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::data",
            "Condition": {
                "StringLike": {"s3:prefix": ["${claims.tenant}/*", "${claims.tenant}"]},
                "StringEqualsIgnoreCase": {"s3:delimiter": "${params.area}"},
                "Bool": {"aws:SecureTransport": "true"},
            },
        },
        {
            "Effect": "Allow",
            "Action": "sqs:*",
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringEquals": {"aws:TagKeys": ["${claims.tenant}", "fixed"]},
                "ArnLike": {"aws:SourceArn": "arn:aws:sqs:eu-west-1:111122223333:q-${params.area}-*"},
                "Null": {"aws:SourceArn": "false"},
            },
        },
        {"Effect": "Deny", "Action": "*", "NotResource": ["arn:aws:s3:::data*", "arn:aws:sqs:*:*:*-${claims.tenant}"]},
        {
            "Effect": "Deny",
            "NotAction": "sqs:*",
            "Resource": "arn:aws:s3:::data/${claims.tenant}/secret-${aws:PrincipalTag/team}",
            "Condition": {"StringNotLikeIfExists": {"s3:prefix": "${params.area}"}},
        },
    ],
}
POLICY = parse_policy(TEMPLATE)
OURS = re.compile(r"\$\{(claims|params)\.([^}]*)\}")


def values(tenant: str, area: str = "x", bounds: Mapping[str, Bounds] | None = None) -> Values:
    """A caller whose issuer says anything of them, and who chose anything."""
    caller = OidcSubject("local", "somebody", claims=(("tenant", tenant),))
    declared = {_placeholder(name): one for name, one in (bounds or {}).items()}
    return Values("role", caller, {"area": area}, declared)


def _placeholder(name: str) -> Placeholder:
    kind, _, rest = name.partition(".")
    return Placeholder("claims" if kind == "claims" else "params", rest)


def render(policy: PolicyTemplate, filled: Values) -> Json:
    """The policy as STS would read it."""
    return cast(Json, json.loads(minify(document_of(policy.fill(filled)))))


def rendered_or_refused(tenant: str, area: str) -> Json | None:
    try:
        return render(POLICY, values(tenant, area))
    except InvalidRequest as refusal:
        # The only reason there is. The value itself is not repeated: it goes into logs and onto terminals.
        assert re.search(r"may not hold `.`( and `.`)? there", refusal.message), refusal.message
        return None


def leaves(node: object, place: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], object]]:
    """Everything in a JSON value that holds nothing else, and where it stands."""
    if isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(child, (*place, key))
        if not node:
            yield place, node
    else:
        yield place, node


def escaped(value: str) -> str:
    return re.sub(r"[*?$]", lambda found: f"${{{found[0]}}}", value)


@given(NASTY, NASTY)
@example("${aws:username}", '"},{"Effect":"Allow","Action":"*","Resource":"*"')
@example("$", "$")
def test_a_value_changes_nothing_but_the_text_that_it_stands_in(tenant: str, area: str) -> None:
    document = rendered_or_refused(tenant, area)
    assume(document is not None)
    before, after = dict(leaves(TEMPLATE)), dict(leaves(document))
    assert before.keys() == after.keys()
    chosen = {"claims.tenant": escaped(tenant), "params.area": escaped(area)}
    for place, text in before.items():
        assert after[place] == OURS.sub(lambda found: chosen[f"{found[1]}.{found[2]}"], str(text))


@given(NASTY)
def test_an_escaped_value_matches_itself_and_nothing_else(value: str) -> None:
    template: Json = {
        "Version": VERSION,
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "${params.area}"}],
    }
    any_value = {"params.area": Bounds(re.compile(".+", re.DOTALL), "/:")}
    (statement,) = cast(list[Json], render(parse_policy(template), values("t", value, any_value))["Statement"])
    assert pattern_of(str(statement["Resource"]), {}) == tuple(value)


def _requests(tenant: str, area: str) -> st.SearchStrategy[Request]:
    """What would be granted or not by a hair: made of the template's own texts, the values and the attacks."""
    pieces = st.sampled_from([tenant, area, escaped(tenant), "x", "", *ATTACKS])
    texts = [str(text) for _, text in leaves(TEMPLATE) if "${" in str(text) or "*" in str(text)]

    @st.composite
    def near(draw: st.DrawFn) -> str:
        honest = {"claims.tenant": tenant, "params.area": area}
        lying = draw(st.booleans())
        text = OURS.sub(
            lambda found: draw(pieces) if lying else honest[f"{found[1]}.{found[2]}"], draw(st.sampled_from(texts))
        )
        return re.sub(r"\$\{aws:[^}]*\}|[*?]", lambda found: draw(pieces), text) if draw(st.booleans()) else text

    some = near() | pieces
    context = st.fixed_dictionaries(
        {"aws:securetransport": st.sampled_from(["true", "false"])},
        optional={
            "s3:prefix": some,
            "s3:delimiter": some,
            "aws:tagkeys": st.lists(some, max_size=2),
            "aws:sourcearn": some,
            "aws:principaltag/team": pieces,
        },
    )
    actions = st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage", "iam:CreateUser"])
    resources = some | st.just("arn:aws:s3:::data")
    return st.builds(Request, actions, resources, context)


@given(st.data(), NASTY, NASTY)
@settings(max_examples=150, deadline=None)
def test_what_is_granted_is_what_the_template_says_with_the_values_taken_literally(
    data: st.DataObject, tenant: str, area: str
) -> None:
    document = rendered_or_refused(tenant, area)
    assume(document is not None)
    assert document is not None
    for request in data.draw(st.lists(_requests(tenant, area), min_size=10, max_size=20)):
        literally = {**request.context, "claims.tenant": tenant, "params.area": area}
        meant = grants(TEMPLATE, Request(request.action, request.resource, literally))
        assert grants(document, request) == meant


def test_the_evaluation_above_grants_and_denies() -> None:
    """Else two policies that grant nothing would be equal."""
    document = render(POLICY, values("a*", "b"))
    assert grants(document, Request("s3:GetObject", "arn:aws:s3:::data/a*/k"))
    assert not grants(document, Request("s3:GetObject", "arn:aws:s3:::data/ab/k"))
    assert grants(document, Request("S3:PutObject", "arn:aws:s3:::data/a*/b"))
    listing = {"s3:prefix": "a*/k", "s3:delimiter": "B", "aws:securetransport": "true"}
    assert grants(document, Request("s3:ListBucket", "arn:aws:s3:::data", listing))
    assert not grants(document, Request("s3:ListBucket", "arn:aws:s3:::data", listing | {"s3:prefix": "ab/k"}))
    queue = {"aws:sourcearn": "arn:aws:sqs:eu-west-1:111122223333:q-b-1", "aws:tagkeys": ["a*", "fixed"]}
    assert grants(document, Request("sqs:SendMessage", "arn:aws:sqs:eu:1:x-a*", queue))
    assert not grants(document, Request("sqs:SendMessage", "arn:aws:sqs:eu:1:x-ab", queue))
    assert not grants(document, Request("sqs:SendMessage", "arn:aws:sqs:eu:1:x-a*", queue | {"aws:tagkeys": ["ab"]}))
    team = {"aws:principaltag/team": "red"}
    assert not grants(document, Request("s3:GetObject", "arn:aws:s3:::data/a*/secret-red", team))
    assert grants(document, Request("s3:GetObject", "arn:aws:s3:::data/a*/secret-red", {}))


# Templates of any make: separators, wildcards and variables between two placeholders, as operators may write them.
PIECES = (
    "/",
    "-",
    ":",
    "a",
    "b",
    "/x/",
    "*",
    "?",
    "${*}",
    "${aws:username}",
    "arn:aws:s3:::",
    "arn:aws:sqs:eu:*:",
    "arn:aws:sqs:",
    "$",
)
MAKES = st.lists(st.sampled_from([*PIECES, "${claims.tenant}", "${params.area}"]), min_size=1, max_size=7).map("".join)
SHORT = st.text(alphabet="ab/-:*?${}x", min_size=1, max_size=4)


def _meaning(policy: PolicyTemplate, filled: Values) -> list[Pattern]:
    """The fields of an ARN, or a text as its only field. The variables of IAM are the same for everybody here."""
    (statement,) = cast(list[Json], render(policy, filled)["Statement"])
    text = str(statement["Resource"])
    pattern = pattern_of(text, {"aws:username": "u"})
    assert pattern is not None
    return fields_of(pattern) if text.startswith("arn:") else [pattern]


@given(MAKES, SHORT, SHORT, SHORT, SHORT)
@settings(max_examples=1200, deadline=None)
@example("${params.area}/${claims.tenant}/*", "b", "x", "a", "x/b")
@example("${params.area}/${claims.tenant}", "x/b", "b", "b", "b/x")
@example("arn:aws:sqs:${claims.tenant}:x", "a", "x", "a:b", "x")
@example("arn:aws:sqs:${claims.tenant}:1:x", "*", "x", "b", "x")
@example("$${claims.tenant}", "{aws:username}", "x", "a", "x")
@example("*/${claims.tenant}/*", "a", "x", "b", "x")
@example("${claims.tenant}/*", "a", "x", "a/b", "x")
@example("*-${claims.tenant}", "a", "x", "b-a", "x")
@example("${claims.tenant}*", "a", "x", "ab", "x")
@example("${claims.tenant}${params.area}", "a", "bb", "ab", "b")
def test_the_places_of_two_values_never_overlap(text: str, tenant: str, area: str, other: str, other_area: str) -> None:
    """For any template that loads, and any two callers who are served, no resource is of both.

    That holds even with the laxest pattern for the param.
    """
    document = {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": text}]}
    lax = {"params.area": Bounds(re.compile(".+"))}
    try:
        policy = parse_policy(document)
        mine, theirs = (_meaning(policy, one) for one in (values(tenant, area, lax), values(other, other_area, lax)))
    except (ValueError, InvalidRequest):
        return
    used = {str(placeholder) for placeholder in policy.placeholders}
    same = ("${claims.tenant}" not in used or tenant == other) and ("${params.area}" not in used or area == other_area)
    assert len(mine) == len(theirs)
    assert all(map(overlap, mine, theirs)) == same


def test_only_where_the_catalog_says_so_is_the_separator_let_in() -> None:
    template: Json = {
        "Version": VERSION,
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::data/${claims.tenant}/*"}],
    }
    policy = parse_policy(template)
    two = re.compile("[a-z]+/[a-z]+")
    assert policy.fill(values("acme/app", bounds={"claims.tenant": Bounds(two, "/")}))
    for bounds in ({}, {"claims.tenant": Bounds(two)}, {"claims.tenant": Bounds(two, ":")}):
        with pytest.raises(InvalidRequest, match=r"may not hold `/` there, as your value of it does"):
            policy.fill(values("acme/app", bounds=bounds))


@given(NASTY, st.sampled_from(["*", "?"]))
def test_no_value_brings_a_wildcard(value: str, wildcard: str) -> None:
    document = rendered_or_refused(value, wildcard)
    assume(document is not None)
    for place, text in leaves(document):
        if "Resource" in place or "Condition" in place:
            pattern = pattern_of(str(text), {"aws:principaltag/team": "t"}) or ()
            written = str(dict(leaves(TEMPLATE))[place])
            assert sum(isinstance(token, Wildcard) for token in pattern) == written.count("*")


@pytest.mark.parametrize(
    "tenant", ["*", "a*", "?", "../b", "${aws:username}", "${*}", "$", '"},{"Effect":"Allow"', "b/c"]
)
def test_the_service_hands_to_sts_what_a_hostile_param_means_literally(credvend: CredvendApp, tenant: str) -> None:
    """The role's pattern is `.+`. What holds the separator is refused, without a word of it in the answer."""
    answer = credvend.vend({"role": "tenant", "params": {"tenant": tenant}})
    if "/" in tenant or ":" in tenant:
        assert answer.status == 400 and tenant not in answer.text and not credvend.sts.asked
        return
    assert answer.status == 200
    (statement,) = json.loads(credvend.sts.asked[-1]["Policy"])["Statement"]
    assert pattern_of(statement["Resource"], {}) == (*f"arn:aws:s3:::data/{tenant}/public/", Wildcard.ANY)
