"""What AWS's SDKs ask for by themselves: GET /v1/credentials/ROLE, with a bearer token."""

from datetime import datetime
from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from testing.app import ACCOUNT, ROLES, Answer, CredvendApp, write_config
from testing.events import Texts
from testing.sts_server import SECRET, TOKEN
from testing.tokens import AUDIENCE, ISSUER, ec_key, honest_claims, key_set, sign

KEY = ec_key("sdk")
ISSUERS = f"issuers: [{{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json}}]"
POLICIES = """
@id("whoever-has-a-token-may-use-open-roles")
permit (principal is OidcSubject, action, resource in RoleGroup::"open");
"""


@pytest.fixture
def sdk(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CredvendApp:
    """The app, where whoever has a token may use open roles."""
    import json

    config = write_config(tmp_path, ROLES, POLICIES)
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(KEY)))
    (config / "issuers.yaml").write_text(ISSUERS)
    monkeypatch.setattr(app_module, "service", load_service(config, Settings("eu-west-1")))
    return credvend


def get(sdk: CredvendApp, role: str, query: Texts | None = None, authorization: str | None = None) -> Answer:
    value = sign(honest_claims(), KEY) if authorization is None else authorization
    return sdk.call("GET", "/v1/credentials", headers={"Authorization": value}, query=query, role=role)


def test_the_answer_has_the_fields_that_sdks_read(sdk: CredvendApp) -> None:
    answer = get(sdk, "reader")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["Cache-Control"] == "no-store"
    expires = str(answer.body.pop("Expiration"))
    assert expires.endswith("Z") and datetime.fromisoformat(expires).utcoffset() is not None
    assert answer.body == {
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": SECRET,
        "Token": TOKEN,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/reader",
        "AccountId": ACCOUNT,
    }
    assert [record["event"] for record in sdk.records()] == ["credentials.requested", "credentials.vended"]


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer "])
def test_the_token_comes_bare_or_as_a_bearer(sdk: CredvendApp, scheme: str) -> None:
    assert get(sdk, "reader", authorization=scheme + sign(honest_claims(), KEY)).status == 200


@pytest.mark.parametrize("scheme", ["Basic ", "Bearer  ", "Bearer Bearer ", " ", "Token "])
def test_any_other_form_is_refused(sdk: CredvendApp, scheme: str) -> None:
    answer = get(sdk, "reader", authorization=scheme + sign(honest_claims(), KEY))
    assert (answer.status, answer.body["Code"]) == (401, "InvalidToken")


def test_elsewhere_a_bare_token_is_refused(sdk: CredvendApp) -> None:
    headers = {"Authorization": sign(honest_claims(), KEY)}
    assert sdk.call("GET", "/v1/whoami", headers=headers).status == 401
    assert sdk.call("POST", "/v1/credentials", '{"role": "reader"}', headers=headers).status == 401


def test_a_refusal_says_code_and_message(sdk: CredvendApp) -> None:
    forbidden, unknown = get(sdk, "forbidden"), get(sdk, "unknown")
    assert forbidden.status == 403 and forbidden.body == unknown.body
    assert forbidden.body["Code"] == "AccessDenied" and forbidden.body["Message"]
    assert get(sdk, "reader", authorization="x").status == 401


def test_duration_reason_and_params_stand_in_the_query(sdk: CredvendApp) -> None:
    query = {"duration": "30m", "reason": "ticket 7", "params.tenant": "acme"}
    assert get(sdk, "tenant", query).status == 200
    (asked,) = sdk.sts.asked
    assert asked["DurationSeconds"] == "1800" and "data/acme/public/*" in asked["Policy"]
    assert sdk.records()[-1]["reason"] == "ticket 7"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"duration": "2h"}, '"duration" must be at most 3600'),
        ({"duration": "x"}, '"duration" must be seconds'),
        ({"duration": ["15m", "30m"]}, 'Query parameter "duration" must stand once'),
        ({"reason": "a\nb"}, '"reason" must be printable'),
        ({"format": "env"}, 'Unknown query parameter "format": there is duration and reason and params.NAME.'),
        ({"role": "tenant"}, 'Unknown query parameter "role"'),
        ({"dry_run": "true"}, 'Unknown query parameter "dry_run"'),
        ({"params.x": "y"}, "Role reader takes no params"),
        ({"params.": "y"}, "Role reader takes no params"),
    ],
)
def test_a_query_that_asks_for_what_there_is_not_is_refused(sdk: CredvendApp, query: Texts, words: str) -> None:
    answer = get(sdk, "reader", query)
    assert answer.status == 400 and words in str(answer.body["Message"])
    assert sdk.sts.asked == []


@pytest.mark.parametrize("role", ["", "a b", "x" * 65, "arn:aws:iam::111122223333:role/", "../health", "%2e%2e"])
def test_a_path_that_names_no_role_is_a_400(sdk: CredvendApp, role: str) -> None:
    assert get(sdk, role).status == 400


def test_iam_callers_have_no_such_route() -> None:
    assert "/v1/credentials/{role}" in app_module.app.routes
    assert "/v1/iam/credentials/{role}" not in app_module.app.routes
