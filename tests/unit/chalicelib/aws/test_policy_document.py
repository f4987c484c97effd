"""The grammar of session policies: what is one, and where it is not one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.policy_document import check_document, document_of, minify

GOOD: dict[str, object] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(**changes: object) -> dict[str, object]:
    """A document of one statement, with changes in that; None takes an element away."""
    statement = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Effect": "Deny"},
        {"Sid": ""},
        {"Sid": "Any"},
        {"Action": ["s3:*", "sqs:*"]},
        {"Action": None, "NotAction": "s3:*"},
        {"Resource": None, "NotResource": ["a", "b"]},
        {"Condition": {}},
        {"Condition": {"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"s3:max-keys": [1, 2.5]}}},
        {"Condition": {"StringLike": {"s3:prefix": ["", "a/*"]}}},
    ],
)
def test_a_document_is_taken_as_it_is(changes: dict[str, object]) -> None:
    (statement,) = check_document(document(**changes))
    assert statement == document(**changes)["Statement"][0]  # type: ignore[index]


def test_a_single_statement_needs_no_list_and_either_version_is_one() -> None:
    assert check_document({"Statement": GOOD}) == (GOOD,)
    assert check_document({"Version": "2008-10-17", "Id": "x", "Statement": [GOOD, GOOD]}) == (GOOD, GOOD)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (None, 'must be a policy document, such as {"Version": "2012-10-17", "Statement": [...]}'),
        ("{}", "must be a policy document"),
        ([], "must be a policy document"),
        ({}, "Statement must be a statement, or a list of at least one"),
        ({"Statement": []}, "Statement must be a statement, or a list of at least one"),
        ({"Statement": "Allow"}, "Statement must be a statement"),
        ({"Statement": [[]]}, "Statement[0] must be an object"),
        ({"Statement": [GOOD, None]}, "Statement[1] must be an object"),
        ({"Version": "2012-10-18", "Statement": [GOOD]}, 'Version must be "2012-10-17"'),
        ({"Version": None, "Statement": [GOOD]}, "Version must be"),
        ({"Version": ["2012-10-17"], "Statement": [GOOD]}, "Version must be"),
        ({"Id": 7, "Statement": [GOOD]}, "Id must be a text"),
        (
            {"statement": [GOOD]},
            "the document must not have an element 'statement': did you mean Statement? There are Version, Id",
        ),
        (document(Principal="*"), "Statement[0] must not have an element 'Principal': there are Sid, Effect, Action"),
        (document(NotPrincipal={"AWS": "*"}), "Statement[0] must not have an element 'NotPrincipal'"),
        (document(effect="Deny"), "Statement[0] must not have an element 'effect': did you mean Effect?"),
        (document(Effect="allow"), 'Statement[0].Effect must be "Allow" or "Deny"'),
        (document(Effect=["Deny"]), "Statement[0].Effect must be"),
        (document(Effect=None), "Statement[0].Effect must be"),
        (document(Sid=1), "Statement[0].Sid must be a text"),
        (document(Action=None), "Statement[0] must have either Action or NotAction"),
        (document(NotAction="s3:*"), "Statement[0] must have either Action or NotAction"),
        (document(Resource=None), "Statement[0] must have either Resource or NotResource"),
        (document(NotResource="*"), "Statement[0] must have either Resource or NotResource"),
        (document(Action=[]), "Statement[0].Action must be a text, or a list of at least one"),
        (document(Action=""), "Statement[0].Action must be a text"),
        (document(Action=[""]), "Statement[0].Action must be a text"),
        (document(Action=["s3:*", 1]), "Statement[0].Action must be a text"),
        (document(Action=None, NotAction={}), "Statement[0].NotAction must be a text"),
        (document(Resource=[["*"]]), "Statement[0].Resource must be a text"),
        (document(Resource=None, NotResource=True), "Statement[0].NotResource must be a text"),
        (document(Condition=[]), "Statement[0].Condition must be an object"),
        (
            document(Condition={"Bool": True}),
            "Statement[0].Condition.'Bool' must be an object of condition keys and values",
        ),
        (document(Condition={"Bool": {}}), "Statement[0].Condition.'Bool' must be an object of condition keys"),
        (document(Condition={7: {"a": "b"}}), "Statement[0].Condition.'7' must be an object of condition keys"),
        (
            document(Condition={"Bool": {"a": []}}),
            "Statement[0].Condition.'Bool'.'a' must be a value, or a list of at least one",
        ),
        (document(Condition={"Bool": {"a": None}}), "Statement[0].Condition.'Bool'.'a' must be a value"),
        (document(Condition={"Bool": {"a": [{}]}}), "Statement[0].Condition.'Bool'.'a' must be a value"),
        (document(Condition={"Bool": {7: "a"}}), "Statement[0].Condition.'Bool'.'7' must be a value"),
        (document(Condition={"NumericEquals": {"a": float("nan")}}), "'NumericEquals'.'a' must be a value"),
        (document(Condition={"NumericEquals": {"a": [float("inf")]}}), "'NumericEquals'.'a' must be a value"),
    ],
)
def test_what_is_no_document_is_refused_with_the_place(wrong: object, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        check_document(wrong)
    assert str(raised.value).startswith(words) or ("Condition" in str(raised.value) and words in str(raised.value))


@given(st.text(min_size=1))
def test_a_callers_key_comes_into_a_message_in_printable_ascii_and_cut(key: str) -> None:
    for wrong in ({key: 1}, {"Statement": [{key: 1}]}, {"Statement": GOOD | {"Condition": {key: {key: None}}}}):
        with pytest.raises(ValueError) as raised:
            check_document(wrong)
        message = str(raised.value)
        assert message.isascii() and message.isprintable() and len(message) < 2000


def test_a_long_key_is_cut() -> None:
    with pytest.raises(ValueError) as raised:
        check_document({"x" * 10_000: 1})
    assert len(str(raised.value)) < 200


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_minified_is_the_same_document_in_printable_ascii_without_white_space(anything: dict[str, object]) -> None:
    text = minify(anything)
    assert json.loads(text) == anything
    assert text.isascii() and (text.isprintable() or "\x7f" in text)
    outside = json.dumps(anything, separators=(",", ":"), ensure_ascii=True)
    assert len(text) <= len(outside)


def test_a_document_of_statements_is_of_the_version_that_knows_variables() -> None:
    assert document_of((dict(GOOD),)) == {"Version": "2012-10-17", "Statement": [GOOD]}  # type: ignore[arg-type]
