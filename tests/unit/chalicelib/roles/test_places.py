"""A role of many accounts is found by its name and its ARN, as if it was listed; and what is none is not found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.roles.account import Account
from chalicelib.roles.places import Listed, Places

ACCOUNTS = (
    Account("111122223333", "payments-prod", groups=("payments",)),
    Account("444455556666", "payments-dev"),
    Account("000000000001", "cn", partition="aws-cn"),
)
ENTRIES: list[Listed] = [
    ("plain", "arn:aws:iam::111122223333:role/plain", ()),
    ("readonly", "credvend/readonly", (0, 1)),
    # Called as another one, in other accounts; and by the name of another one's IAM role.
    ("readonly", "deep/readonly", (2,)),
    ("credvend/readonly", "readonly", (1,)),
    ("last@payments-prod", "arn:aws:iam::111122223333:role/last", ()),
]
NAMES = {
    "plain": 0,
    "readonly@payments-prod": 1,
    "readonly@payments-dev": 2,
    "readonly@cn": 3,
    "credvend/readonly@payments-dev": 4,
    "last@payments-prod": 5,
}
ARNS = {
    "arn:aws:iam::111122223333:role/plain": 0,
    "arn:aws:iam::111122223333:role/credvend/readonly": 1,
    "arn:aws:iam::444455556666:role/credvend/readonly": 2,
    "arn:aws-cn:iam::000000000001:role/deep/readonly": 3,
    "arn:aws:iam::444455556666:role/readonly": 4,
    "arn:aws:iam::111122223333:role/last": 5,
}
PLACES = Places(ENTRIES, ACCOUNTS)


def test_every_role_is_found_by_its_name_and_its_arn() -> None:
    assert PLACES.count == 6
    assert {text: PLACES.find(text) for text in NAMES | ARNS} == NAMES | ARNS


def test_a_role_is_made_from_its_entry_and_its_account() -> None:
    assert [tuple(PLACES[number]) for number in range(6)] == [(0, None), (1, 0), (1, 1), (2, 2), (3, 1), (4, None)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "readonly",
        "readonly@",
        "@payments-prod",
        "readonly@payments-prod@payments-prod",
        "readonly@111122223333",
        "plain@payments-prod",
        "arn:aws:iam::111122223333:role/readonly",
        "arn:aws-cn:iam::111122223333:role/credvend/readonly",
        "arn:aws:iam::000000000001:role/deep/readonly",
        "arn:aws:iam::111122223333:user/credvend/readonly",
        "arn:aws:sts::111122223333:role/credvend/readonly",
        "x:arn:aws:iam::111122223333:role/credvend/readonly",
        "arn:aws:iam::111122223333:role/credvend/readonly/",
        "arn:aws:iam::111122223333:role/role/credvend/readonly",
        "arn:aws:iam:::111122223333:role/credvend/readonly",
        "111122223333:role/credvend/readonly",
        "role/credvend/readonly",
        "credvend/readonly",
    ],
)
def test_what_is_no_role_is_not_found(text: str) -> None:
    assert PLACES.find(text) is None


@given(st.text(alphabet="adlnoprsy@:/-1234arniole", max_size=60) | st.sampled_from([*NAMES, *ARNS]))
def test_only_these_are_found(text: str) -> None:
    assert PLACES.find(text) == (NAMES | ARNS).get(text)


def test_where_there_are_none_none_is_found() -> None:
    assert Places([], ()).count == 0 and Places([], ()).find("a") is None
