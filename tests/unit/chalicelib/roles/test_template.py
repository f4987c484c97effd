"""Texts with places to fill: how they are taken apart, what fills them, and where a value must end."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.session_name import session_name
from chalicelib.errors import InvalidRequest
from chalicelib.roles.guards import Bounds, Guard, guards
from chalicelib.roles.template import Placeholder, Template, parse_template
from chalicelib.roles.template_values import Values

ACCOUNT = "111122223333"
USER = IamUser("aws", ACCOUNT, "/team/", "alice", "AIDAEXAMPLE")
SESSION = IamRoleSession("aws", ACCOUNT, "Dev", "alice@example.com", "AROAEXAMPLE:alice@example.com")
FEDERATED = FederatedUser("aws", ACCOUNT, "bob", f"{ACCOUNT}:bob")
SUBJECT = OidcSubject("local", "carol", claims=(("tenant", "acme"), ("groups", ("a", "b")), ("none", ())))
TOKEN = ServiceToken("backup", "owner@example.com", (("tenant", "acme"),), "id")
TENANT = Placeholder("claims", "tenant")
AREA = Placeholder("params", "area")


def values(
    caller: Caller = SUBJECT,
    params: Mapping[str, str] | None = None,
    bounds: Mapping[Placeholder, Bounds] | None = None,
) -> Values:
    return Values("data", caller, params or {}, bounds or {})


def test_a_text_is_taken_apart_into_texts_and_placeholders_in_their_order() -> None:
    template = parse_template("a/${claims.tenant}/${params.area}", variables_of_iam=False)
    assert template.parts == ("a/", TENANT, "/", AREA)
    assert template.placeholders == (TENANT, AREA)
    assert template.fill(lambda placeholder: f"<{placeholder}>") == "a/<${claims.tenant}>/<${params.area}>"


@pytest.mark.parametrize(
    "text", ["", "a", "$", "a$", "{}", "}", "{claims.tenant}", "$ {claims.tenant}", "$claims.tenant"]
)
def test_a_text_without_a_placeholder_stays_as_it_is(text: str) -> None:
    for variables_of_iam in (False, True):
        template = parse_template(text, variables_of_iam)
        assert template.placeholders == () and template.fill(lambda placeholder: "x") == text


@pytest.mark.parametrize(
    "text",
    [
        "${aws:username}",
        "${*}",
        "${?}",
        "${$}",
        "${aws:PrincipalTag/team, 'none'}",
        "${accounts.google.com:sub}",
        "${s3:prefix}",
    ],
)
def test_variables_of_iam_stay_in_policies_and_in_policies_alone(text: str) -> None:
    assert parse_template(text, variables_of_iam=True) == Template((text,))
    with pytest.raises(
        ValueError, match=re.escape(f"{text} is not one of ${{caller...}}, ${{claims...}} and ${{params")
    ):
        parse_template(text, variables_of_iam=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${claims.a b}", "${claims.a b} names nothing: letters, digits and `_.:/-` make a name"),
        ("${params.}", "${params.} names nothing"),
        ("${claims." + "a" * 129 + "}", "names nothing"),
        ("${claims.é}", "names nothing"),
        ("${caller.arn}", "${caller.arn} is not known: of the caller there are ${caller.name}, ${caller.account}"),
        ("${tenant}", "${tenant} is neither one of ${caller...}, ${claims...} and ${params...} nor a variable of IAM"),
        ("${}", "${} is neither one of"),
        ("${claims}", "${claims} is neither one of"),
        ("${**}", "${**} is neither one of"),
        ("${claims.a}${params.b}", "puts ${params.b} right after another: some text must tell where one ends"),
        ("$${claims.a}", "has a `$` right before ${claims.a}: together with a value it could mean something"),
        ("x$${params.a}", "has a `$` right before ${params.a}"),
        ("a${b", "'a${b' holds a `${` that is not closed by a `}`"),
        ("${claims.a}${", "not closed"),
        ("${a${claims.b}}", "not closed"),
        ("${aws:PrincipalTag/${claims.b}}", "not closed"),
        ("${aws:PrincipalTag/team, '${claims.b}'}", "not closed"),
    ],
)
def test_what_is_no_template_is_refused_with_the_place_quoted(text: str, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_template(text, variables_of_iam=True)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "${claims:tenant}",
        "${claim.team:x}",
        "${Claims.tenant}",
        "${ claims.tenant}",
        "${PARAMS:a}",
        "${param.a}",
        "${callers.name}",
    ],
)
def test_a_placeholder_that_is_misspelt_is_not_taken_for_a_variable_of_iam(text: str) -> None:
    """To IAM it would have no value; and a Deny with such a variable in it denies nothing."""
    with pytest.raises(ValueError, match="is misspelt: there are") as raised:
        parse_template(text, variables_of_iam=True)
    assert text in str(raised.value)


@given(st.text(max_size=30))
def test_a_value_is_never_taken_apart_again(value: str) -> None:
    template = parse_template("a/${claims.tenant}/b", variables_of_iam=False)
    assert template.fill(lambda placeholder: value + "${params.area}") == f"a/{value}${{params.area}}/b"


@pytest.mark.parametrize(
    ("caller", "name", "account"),
    [
        (USER, "alice", ACCOUNT),
        (SESSION, "alice@example.com", ACCOUNT),
        (FEDERATED, "bob", ACCOUNT),
        (SUBJECT, "carol", None),
        (TOKEN, "backup", None),
    ],
)
def test_of_a_caller_there_are_name_account_and_session_name(caller: Caller, name: str, account: str | None) -> None:
    asked = values(caller)
    assert asked.of(Placeholder("caller", "name")) == name
    assert asked.of(Placeholder("caller", "session_name")) == session_name(caller)
    if account is None:
        with pytest.raises(InvalidRequest, match="has no value for you"):
            asked.of(Placeholder("caller", "account"))
    else:
        assert asked.of(Placeholder("caller", "account")) == account


def test_claims_are_what_the_issuer_says_or_the_tags_of_an_api_token() -> None:
    assert values(SUBJECT).of(TENANT) == values(TOKEN).of(TENANT) == "acme"


@pytest.mark.parametrize("caller", [USER, SESSION, FEDERATED])
def test_nobody_says_claims_of_a_caller_who_signs(caller: Caller) -> None:
    with pytest.raises(InvalidRequest):
        values(caller).of(TENANT)


@pytest.mark.parametrize(
    ("placeholder", "why"),
    [
        (Placeholder("claims", "missing"), "has no value for you: your identity does not tell it"),
        (Placeholder("params", "missing"), "has no value for you"),
        (Placeholder("claims", "groups"), "has several values for you, and one is needed"),
        (Placeholder("claims", "none"), "has several values for you"),
    ],
)
def test_a_value_that_is_missing_or_not_one_is_a_refusal_and_never_an_empty_text(
    placeholder: Placeholder, why: str
) -> None:
    with pytest.raises(
        InvalidRequest, match=re.escape(f"Sessions of role data are shaped by {placeholder}, which {why}")
    ):
        values().of(placeholder)


def test_an_empty_value_is_none() -> None:
    with pytest.raises(InvalidRequest, match="has no value for you"):
        values(OidcSubject("local", "x", claims=(("tenant", ""),))).of(TENANT)


@pytest.mark.parametrize("pattern", ["[a-z]{3}", "^ac", "me$", "a|acm", "ACME"])
def test_a_claim_must_match_all_of_its_pattern(pattern: str) -> None:
    assert values(bounds={TENANT: Bounds(re.compile("[a-z]+"))}).of(TENANT) == "acme"
    with pytest.raises(InvalidRequest, match=r"does not match the role's pattern for it") as raised:
        values(bounds={TENANT: Bounds(re.compile(pattern))}).of(TENANT)
    assert "acme" not in raised.value.message


@pytest.mark.parametrize(
    ("text", "around"),
    [
        ("${claims.tenant}", ""),
        ("a/${claims.tenant}", ""),
        ("${claims.tenant}/a", ""),
        ("${claims.tenant}/*", "/"),
        ("${claims.tenant}-?", "-"),
        ("${claims.tenant}-a/*", "-"),
        ("*-a/${claims.tenant}", "/"),
        ("${claims.tenant}/${aws:username}", "/"),
        ("${aws:username}-${claims.tenant}", "-"),
        ("?:${claims.tenant}/?", "/:"),
    ],
)
def test_beside_what_could_match_more_a_value_must_not_hold_its_neighbour(text: str, around: str) -> None:
    assert list(guards(parse_template(text, variables_of_iam=True))) == ([Guard(TENANT, around)] if around else [])


def test_of_two_values_the_first_ends_where_the_text_between_them_begins() -> None:
    found = list(guards(parse_template("${claims.tenant}/x/${params.area}", variables_of_iam=True)))
    assert found == [Guard(TENANT, "/", strict=True)]


def test_separators_are_for_the_last_value_of_a_text_alone() -> None:
    """Else `v/other` in the first place would reach into what is `v`'s, whatever the second one is."""
    asked = values(params={"area": "v/other"}, bounds={AREA: Bounds(re.compile(".+"), "/")})
    (first, _) = guards(parse_template("${params.area}/${claims.tenant}/*", variables_of_iam=True))
    with pytest.raises(InvalidRequest, match="may not hold `/` there"):
        asked.keep_apart([first])
    (_, last) = guards(parse_template("${claims.tenant}/${params.area}/*", variables_of_iam=True))
    asked.keep_apart([last])


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("${claims.tenant}*", "after"),
        ("${claims.tenant}?", "after"),
        ("${claims.tenant}${aws:username}", "after"),
        ("${claims.tenant}${*}/*", "after"),
        ("${claims.tenant}$/*", "after"),
        ("*${claims.tenant}", "before"),
        ("a?${claims.tenant}", "before"),
        ("${aws:username}${claims.tenant}", "before"),
    ],
)
def test_a_wildcard_or_variable_right_beside_a_placeholder_is_refused(text: str, side: str) -> None:
    with pytest.raises(
        ValueError, match=rf"right {side} \$\{{claims.tenant\}} must stand a plain character, such as `/`"
    ):
        list(guards(parse_template(text, variables_of_iam=True)))


@pytest.mark.parametrize(
    "text",
    [
        "*/${claims.tenant}/*",
        "arn:aws:s3:::app-*/${claims.tenant}/*",
        "arn:aws:s3:::*/${claims.tenant}/a/*",
        "${params.area}/*/${claims.tenant}/*",
        "*:${claims.tenant}:*",
        "arn:aws:sqs:*:*:*-${claims.tenant}-*",
        "x:arn:aws:s3:*:${claims.tenant}:*",
        # Also before the resource of an ARN a `*` may match beyond a colon, and a variable may hold a separator.
        "arn:aws:dynamodb:*:*:table/${claims.tenant}-*",
        "arn:*:s3:::data/${claims.tenant}/*",
        "arn:aws:sqs:eu*-${claims.tenant}:1:*",
        "arn:aws:s3:::data/${aws:PrincipalTag/Project}/${claims.tenant}/*",
        "*/${claims.tenant}/${aws:username}",
    ],
)
def test_a_placeholder_between_two_stars_is_refused(text: str) -> None:
    """`app-*/acme/*` matches `app-1/other/acme/key`, too: whoever is called like a folder gets it of everybody."""
    with pytest.raises(ValueError, match=r"a `\*` or a variable stands before .*, and one after it: "):
        list(guards(parse_template(text, variables_of_iam=True)))


@pytest.mark.parametrize(
    "text",
    [
        "?/${claims.tenant}/*",
        "${*}/${claims.tenant}/*",
        "*/${claims.tenant}/?",
    ],
)
def test_what_stands_for_one_character_or_for_itself_is_no_star(text: str) -> None:
    assert list(guards(parse_template(text, variables_of_iam=True)))


def test_a_value_that_holds_its_neighbour_is_refused_and_not_repeated() -> None:
    asked = values(OidcSubject("local", "x", claims=(("tenant", "se-cr/et"),)))
    asked.keep_apart([Guard(TENANT, ":")])
    with pytest.raises(InvalidRequest, match=r"may not hold `-` and `/` there, as your value of it does") as raised:
        asked.keep_apart([Guard(TENANT, "/-")])
    assert "et" not in raised.value.message.replace("Sessions", "").replace("tenant", "")


@pytest.mark.parametrize("pattern", [".+", "[^:]+", "[a-z]+/[a-z]+"])
def test_a_pattern_alone_lets_no_neighbour_in_and_separators_do(pattern: str) -> None:
    asked = values(params={"area": "a/b"}, bounds={AREA: Bounds(re.compile(pattern))})
    with pytest.raises(InvalidRequest, match="may not hold `/` there"):
        asked.keep_apart([Guard(AREA, "/")])
    allowed = values(params={"area": "a/b"}, bounds={AREA: Bounds(re.compile(pattern), "/")})
    allowed.keep_apart([Guard(AREA, "/")])
    with pytest.raises(InvalidRequest, match="may not hold `b` there"):
        allowed.keep_apart([Guard(AREA, "/b")])
