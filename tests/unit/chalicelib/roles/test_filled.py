"""What an entry says of each account is written out before anything is checked; keys and all else stay as they are."""

import pytest

from chalicelib.roles.account import Account
from chalicelib.roles.filled import filled, holds_account

ACCOUNT = Account("111122223333", "payments-prod", "aws-cn")


def test_every_placeholder_of_the_account_is_filled_wherever_it_stands() -> None:
    value = {
        "a": "arn:${account.partition}:s3:::x-${account.id}-${account.name}",
        "b": [{"c": "${account.id}"}, 7, None, True],
    }
    assert holds_account(value)
    assert filled(value, ACCOUNT) == {
        "a": "arn:aws-cn:s3:::x-111122223333-payments-prod",
        "b": [{"c": "111122223333"}, 7, None, True],
    }


def test_placeholders_of_requests_and_variables_of_iam_stay() -> None:
    value = {"${account.id}": ["${caller.account}", "${aws:PrincipalAccount}", "${params.account}", "${account}"]}
    assert not holds_account(value) and filled(value, ACCOUNT) == value


@pytest.mark.parametrize("text", ["${account.number}", "x${account.}", "${account.id }", "${account.ID}"])
def test_what_is_not_known_of_an_account_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not known: of the account there are \$\{account\.id\}, "):
        filled({"a": [text]}, ACCOUNT)


def test_one_that_is_not_closed_is_left_to_whoever_reads_the_text() -> None:
    assert filled("${account.id", ACCOUNT) == "${account.id"
