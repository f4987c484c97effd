"""Credentials in the form that the client wants; errors are JSON in all of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import NotAcceptable
from chalicelib.wire.formats.known import BY_MEDIA_TYPE
from chalicelib.wire.formats.negotiation import choose_format, wants_script
from testing.app import CredvendApp
from testing.events import Texts
from testing.sts_server import SECRET, TOKEN, Refusal

CREDENTIALS = "/v1/iam/credentials"
READER = '{"role": "reader"}'
JSON = {"Content-Type": "application/json"}


def expiration(credvend: CredvendApp) -> str:
    """When the credentials of the last vend end."""
    (vended,) = [record for record in credvend.records() if record["event"] == "credentials.vended"]
    return str(vended["expiration"])


def test_process_is_what_credential_process_reads(credvend: CredvendApp) -> None:
    answer = credvend.call("POST", CREDENTIALS, READER, query={"format": "process"})
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.body == {
        "Version": 1,
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": SECRET,
        "SessionToken": TOKEN,
        "Expiration": expiration(credvend),
        "AccountId": "111122223333",
    }


def test_env_is_a_posix_script(credvend: CredvendApp) -> None:
    answer = credvend.call("POST", CREDENTIALS, READER, query={"format": "env"})
    assert answer.headers["Content-Type"] == "text/x-shellscript; charset=utf-8"
    assert answer.text == (
        "export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'\n"
        f"export AWS_SECRET_ACCESS_KEY='{SECRET}'\n"
        f"export AWS_SESSION_TOKEN='{TOKEN}'\n"
        f"export AWS_CREDENTIAL_EXPIRATION='{expiration(credvend)}'\n"
    )


def test_fish_and_powershell_are_scripts_of_theirs(credvend: CredvendApp) -> None:
    fish = credvend.call("POST", CREDENTIALS, READER, query={"format": "fish"})
    assert fish.headers["Content-Type"] == "text/x-fish; charset=utf-8"
    assert fish.text.splitlines()[1] == "set -gx AWS_ACCESS_KEY_ID 'ASIAEXAMPLE'"
    powershell = credvend.call("POST", CREDENTIALS, READER, query={"format": "powershell"})
    assert powershell.headers["Content-Type"] == "text/x-powershell; charset=utf-8"
    assert powershell.text.splitlines()[0] == "$Env:AWS_ACCESS_KEY_ID = 'ASIAEXAMPLE'"


def test_ini_is_a_profile_named_like_the_role(credvend: CredvendApp) -> None:
    answer = credvend.call("POST", CREDENTIALS, READER, query={"format": "ini"})
    assert answer.headers["Content-Type"] == "text/x-ini; charset=utf-8"
    assert answer.text.splitlines()[:2] == ["[reader]", "aws_access_key_id = ASIAEXAMPLE"]
    assert f"aws_credential_expiration = {expiration(credvend)}" in answer.text


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("application/vnd.credvend.process+json", "application/vnd.credvend.process+json"),
        ("text/x-shellscript", "text/x-shellscript; charset=utf-8"),
        ("application/x-sh", "application/x-sh"),
        ("Text/X-Fish", "text/x-fish; charset=utf-8"),
        ("application/json;q=0.5, text/x-ini", "text/x-ini; charset=utf-8"),
        ("text/x-ini;q=0.5, application/json", "application/json"),
        ("text/x-powershell; charset=utf-8; q=0.1, image/png", "text/x-powershell; charset=utf-8"),
        ("text/*, application/*;q=0.1", "application/json"),
    ],
)
def test_accept_chooses_as_well(credvend: CredvendApp, accept: str, content_type: str) -> None:
    answer = credvend.call("POST", CREDENTIALS, READER, headers=JSON | {"Accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)


def test_the_query_comes_before_accept(credvend: CredvendApp) -> None:
    answer = credvend.call(
        "POST", CREDENTIALS, READER, headers=JSON | {"Accept": "text/x-ini"}, query={"format": "env"}
    )
    assert answer.text.startswith("export ")


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "application/json;q=0",
        "text/plain",
        "application/json;q=x",
        # A script is for who names it.
        "text/*",
        "*/*, application/json;q=0",
    ],
)
def test_who_accepts_nothing_that_there_is_gets_a_406_with_what_there_is(credvend: CredvendApp, accept: str) -> None:
    answer = credvend.call("POST", CREDENTIALS, READER, headers=JSON | {"Accept": accept})
    assert (answer.status, answer.body["Code"]) == (406, "NotAcceptable")
    assert "application/json, application/vnd.credvend.process+json" in str(answer.body["Message"])
    assert credvend.sts.asked == []


@pytest.mark.parametrize("query", [{"format": "bash"}, {"format": ""}, {"format": ["env", "env"]}, {"Format": "env"}])
def test_an_unknown_format_is_refused_and_vends_nothing(credvend: CredvendApp, query: Texts) -> None:
    answer = credvend.call("POST", CREDENTIALS, READER, query=query)
    assert answer.status == 400 and "ormat" in str(answer.body["Message"])
    assert credvend.sts.asked == []


def test_a_dry_run_is_answered_in_json_only(credvend: CredvendApp) -> None:
    body = '{"role": "reader", "dry_run": true}'
    assert credvend.call("POST", CREDENTIALS, body, query={"format": "json"}).body["DryRun"] is True
    answer = credvend.call("POST", CREDENTIALS, body, query={"format": "env"})
    assert answer.status == 400 and "dry run" in str(answer.body["Message"])


@pytest.mark.parametrize("format_name", ["env", "fish", "powershell", "ini", "what"])
def test_errors_are_json_that_no_shell_can_read_to_its_end(credvend: CredvendApp, format_name: str) -> None:
    credvend.sts.refusals[:] = [Refusal("AccessDenied")]
    denied = credvend.call("POST", CREDENTIALS, READER, query={"format": format_name})
    nasty = credvend.call("POST", CREDENTIALS, '{"role": "r", "$(id) `id`)": 1}', query={"format": format_name})
    for answer in (denied, nasty):
        assert answer.status >= 400 and answer.headers["Content-Type"] == "application/json"
        assert answer.body.keys() == {"NotAScript", "Code", "Message", "RequestId"}
        # A substitution that is opened and never closed: a syntax error.
        assert answer.text.count("$(") == 1 and ")" not in answer.text and "`" not in answer.text
    assert "$(id) `id`)" in str(json.loads(nasty.text)["Message"]) or format_name == "what"


def test_errors_for_who_accepts_scripts_are_no_scripts_either(credvend: CredvendApp) -> None:
    answer = credvend.call("POST", CREDENTIALS, "{", headers=JSON | {"Accept": "text/x-shellscript"})
    assert answer.status == 400 and answer.body.keys() == {"NotAScript", "Code", "Message", "RequestId"}


RANGES = st.sampled_from([*BY_MEDIA_TYPE, "*/*", "text/*", "application/*", "image/png", "x", ""])
QUALITIES = st.sampled_from(["", ";q=1", ";q=0", ";q=0.5", "; q=0.9", ";q=x", ";q=nan", ";v=1;q=0.1", ";q=-1"])
ACCEPTS = st.lists(st.tuples(RANGES, QUALITIES).map("".join), min_size=1, max_size=4).map(",".join)


@given(ACCEPTS)
def test_whatever_is_accepted_who_could_get_a_script_gets_errors_that_are_none(accept: str) -> None:
    try:
        chosen = choose_format(None, accept)
    except NotAcceptable:
        assert wants_script((), accept)
    else:
        assert wants_script((), accept) or chosen.format.name == "json"


def test_in_any_error_a_shell_finds_nothing_to_expand(credvend: CredvendApp) -> None:
    for query in (None, {"Format": "env"}, {"$(id)": "`id`"}):
        answer = credvend.call("POST", CREDENTIALS, '{"role": "reader", "$(id) `id` $HOME": 1}', query=query)
        assert answer.status == 400 and not set(answer.text) & set("$`")


def test_an_error_in_json_reads_as_it_is_meant(credvend: CredvendApp) -> None:
    denied = credvend.call("POST", CREDENTIALS, '{"role": "no-such-role"}')
    assert denied.status == 403 and "GET /v1/roles (/v1/iam/roles) lists" in denied.text


def test_reads_take_no_format(credvend: CredvendApp) -> None:
    assert credvend.call("GET", "/v1/iam/roles", query={"format": "env"}).status == 400
