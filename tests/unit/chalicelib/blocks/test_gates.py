"""A vend asks one copy of what is blocked, and any of them is asked."""

from collections import Counter
from typing import cast

from chalicelib.blocks.gates import GATES, gate_check, gate_id
from chalicelib.blocks.keys import attribute, keys_of_vend
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.errors import Blocked, VendingStopped


def asked() -> str:
    write = cast("dict[str, dict[str, dict[str, dict[str, str]]]]", gate_check("blocks", ["all"], 1).write)
    return write["ConditionCheck"]["Key"]["id"]["S"]


def test_all_copies_are_asked_alike() -> None:
    """Else some would be in each other's way, and a block would have to stand in more than there are."""
    counted = Counter(asked() for _ in range(100 * GATES))
    assert counted.keys() == {gate_id(number) for number in range(GATES)}
    assert max(counted.values()) < 200 and min(counted.values()) > 40


def test_all_copies_and_their_description_fit_into_one_transaction() -> None:
    assert GATES + 1 <= 100


def test_a_vend_is_blocked_by_whoever_and_whatever_it_is_about() -> None:
    session = IamRoleSession("aws", "111122223333", "Dev", "alice", "AROA:alice")
    assert keys_of_vend(session, "reader") == (
        "all",
        "caller:arn:aws:sts::111122223333:assumed-role/Dev/alice",
        "principal:arn:aws:iam::111122223333:role/Dev",
        "role:reader",
    )
    subject = OidcSubject("okta", "alice")
    assert keys_of_vend(subject, "reader") == (
        *("all", "caller:oidc:okta:alice", "principal:oidc:okta:alice"),
        *("role:reader", "issuer:okta"),
    )


def test_no_caller_can_be_called_like_something_else() -> None:
    """What a caller chooses of its name cannot make it another's key, for the key begins with what it is of."""
    odd = OidcSubject("okta", "x:role:reader")
    assert "role:reader" not in keys_of_vend(odd, "other") and "all" not in keys_of_vend(odd, "other")[1:]
    assert attribute("caller:a") != attribute("role:a")


def test_the_first_that_blocks_is_told_and_stopping_all_before_others() -> None:
    user = IamUser("aws", "111122223333", "/", "alice", "AIDA")
    part = gate_check("blocks", keys_of_vend(user, "reader"), 1000)
    gate = {attribute(key): {"N": until} for key, until in {"role:reader": "1001", "caller:x": "9999"}.items()}
    refused = part.refusal(cast("dict[str, object]", gate))  # type: ignore[arg-type]
    assert isinstance(refused, Blocked) and refused.by == ("role:reader",)
    gate[attribute("all")] = {"N": "1001"}
    assert isinstance(part.refusal(cast("dict[str, object]", gate)), VendingStopped)  # type: ignore[arg-type]


def test_what_is_no_number_blocks() -> None:
    part = gate_check("blocks", ["role:reader"], 1000)
    assert isinstance(part.refusal({attribute("role:reader"): {"S": "x"}}), Blocked)
