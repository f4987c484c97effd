"""Callers with an API token, made with credvend-admin, at the deployed service."""

import json
import re
import time

import pytest

from chalicelib.callers.api_tokens.token import api_token_of, hash_api_token, new_api_token
from local.aws import ACCOUNT
from testing.deployed import Stack
from testing.operators import admin, create
from tests.e2e.test_oidc import expect_refusal, vend

NAME = "nightly-backup"


def test_a_token_vends_credentials_that_work_in_its_name(stack: Stack) -> None:
    token = create(stack, NAME)
    assert re.fullmatch(r"cvt_[0-9A-Za-z]{49}", token)
    answer = vend(stack, token, "instances")
    assert answer.status == 200, answer.text
    arn = stack.sts(answer.key).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/token={NAME}"
    vended = stack.records(answer)[-1]
    assert (vended["caller"], vended["caller_type"]) == (f"token:{NAME}", "ServiceToken")
    assert (vended["caller_owner"], vended["policies"]) == ("ops@example.com", ["the-nightly-backup-may-use-instances"])
    assert vend(stack, token, "brief").status == 403
    listed = stack.present(token, path="/v1/roles").body["Roles"]
    assert isinstance(listed, list) and [role["Role"] for role in listed] == ["instances"]
    admin(stack, "revoke", NAME)


def test_policies_may_look_at_the_tags_of_a_token(stack: Stack) -> None:
    token = create(stack, "report", "--tag", "team=data")
    assert vend(stack, token, "brief").status == 200
    assert vend(stack, create(stack, "other-report", "--tag", "team=ops"), "brief").status == 403


def test_a_token_is_kept_nowhere(stack: Stack) -> None:
    token = create(stack, "kept-nowhere")
    assert vend(stack, token, "instances").status == 403
    listed = admin(stack, "list", "--json").stdout
    table = json.dumps(stack.dynamodb().scan(TableName="credvend-local-tokens")["Items"])
    assert "kept-nowhere" in listed and hash_api_token(token) in table
    for place in (listed, table, "\n".join(stack.lines())):
        assert token not in place


def test_a_revoked_token_is_refused(stack: Stack) -> None:
    token = create(stack, "revoked")
    assert admin(stack, "revoke", "revoked").returncode == 0
    expect_refusal(stack, token, "revoked")


def test_an_expired_token_is_refused(stack: Stack) -> None:
    token = create(stack, "expired")
    stack.dynamodb().update_item(
        TableName="credvend-local-tokens",
        Key={"hash": {"S": hash_api_token(token)}},
        UpdateExpression="SET expires = :then",
        ExpressionAttributeValues={":then": {"N": str(int(time.time()) - 1)}},
    )
    expect_refusal(stack, token, "expired")


@pytest.mark.parametrize(("cidr", "taken"), [("127.0.0.0/8", True), ("192.0.2.0/24", False), ("::1/128", False)])
def test_a_token_may_be_bound_to_addresses(stack: Stack, cidr: str, taken: bool) -> None:
    token = create(stack, f"bound-{cidr.partition('/')[0].replace(':', '-').strip('-')}", "--cidr", cidr)
    if taken:
        assert stack.present(token).status == 200
    else:
        expect_refusal(stack, token, "wrong_address")


def test_a_token_that_was_never_made_is_refused(stack: Stack) -> None:
    expect_refusal(stack, new_api_token(), "unknown_token")
    expect_refusal(stack, api_token_of(0), "unknown_token")


def test_a_mistyped_token_is_told_from_a_forged_one(stack: Stack) -> None:
    token = create(stack, "mistyped")
    wrong = token[:20] + ("a" if token[20] != "a" else "b") + token[21:]
    expect_refusal(stack, wrong, "malformed")
    expect_refusal(stack, token[:-1], "malformed")
    expect_refusal(stack, token + "0", "malformed")


def test_after_a_rotation_both_tokens_work_for_the_overlap_and_share_a_name(stack: Stack) -> None:
    old = create(stack, "rotated", "--tag", "team=data")
    done = admin(stack, "rotate", "rotated", "--overlap", "1h")
    assert done.returncode == 0, done.stderr
    new = done.stdout.strip()
    assert new != old
    names = {str(vend(stack, token, "brief").body["SourceIdentity"]) for token in (old, new)}
    assert names == {"token=rotated"}


def test_a_rotation_without_overlap_ends_the_old_token(stack: Stack) -> None:
    old = create(stack, "rotated-at-once")
    new = admin(stack, "rotate", "rotated-at-once", "--overlap", "0").stdout.strip()
    assert stack.present(new).status == 200
    assert stack.present(old).status == 401


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "x", "--owner", "me"), "--expires"),
        (("create", "x", "--owner", "me", "--expires", "366d"), "365"),
        (("create", "a b", "--owner", "me", "--expires", "1d"), "a b"),
        (("rotate", "nobody"), "nobody"),
        (("revoke", "nobody"), "nobody"),
    ],
)
def test_mistakes_are_answered_with_what_to_do(stack: Stack, arguments: tuple[str, ...], words: str) -> None:
    done = admin(stack, *arguments)
    assert done.returncode != 0 and words in done.stderr and done.stdout == "" and "Traceback" not in done.stderr
