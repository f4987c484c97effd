"""What a request says reaches the policies, by whichever way it comes; and the record says what they saw."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from testing.app import POLICIES, ROLES, CredvendApp, Json, write_config
from testing.tokens import AUDIENCE, ISSUER, ec_key, honest_claims, key_set, sign

KEY = ec_key("seen")
ISSUERS = (
    f"issuers: [{{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json, "
    "groups_claim: groups, claims: {team: team, areas: areas}}]"
)
NARROW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
Set = Callable[[str], CredvendApp]


@pytest.fixture
def deciding_by(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Set:
    """The app with one policy more: nobody may have a role unless a condition holds."""

    def start(condition: str) -> CredvendApp:
        unless = f'@id("unless") forbid (principal, action, resource) unless {{ {condition} }};'
        config = write_config(tmp_path, ROLES, f"{POLICIES}{OF_TOKENS}{unless}")
        (config / "keys").mkdir(exist_ok=True)
        (config / "keys/main.json").write_text(json.dumps(key_set(KEY)))
        (config / "issuers.yaml").write_text(ISSUERS)
        monkeypatch.setattr(app_module, "service", load_service(config, Settings("eu-west-1")))
        return credvend

    return start


OF_TOKENS = '@id("tokens") permit (principal is OidcSubject, action, resource in RoleGroup::"open");'


@pytest.mark.parametrize(
    ("condition", "denied", "allowed"),
    [
        ('context has reason && context.reason like "INC-*"', {"reason": "please"}, {"reason": " INC-7 "}),
        (
            'context.tags.hasTag("Project") && context.tags.getTag("Project") == "x"',
            {"tags": {"Project": "y"}, "params": {"tenant": "acme"}},
            {"tags": {"Project": "x"}, "params": {"tenant": "acme"}},
        ),
        (
            'context.params.hasTag("tenant") && context.params.getTag("tenant") == "acme"',
            {"params": {"tenant": "other"}},
            {"params": {"tenant": "acme"}},
        ),
        # A default is as good as a value that was given.
        (
            'context.params.hasTag("area") && context.params.getTag("area") == "public"',
            {"params": {"tenant": "acme", "area": "secret"}},
            {"params": {"tenant": "acme"}},
        ),
        ("context.narrowed", {}, {"policy": NARROW}),
    ],
)
def test_policies_see_what_a_request_says(deciding_by: Set, condition: str, denied: Json, allowed: Json) -> None:
    """And decide a dry run as they would the real one."""
    credvend = deciding_by(condition)
    role = "tenant" if "params" in allowed else "reader"
    for dry_run in (True, False):
        for more, status in ((denied, 403), (allowed, 200)):
            assert credvend.vend({"role": role, "dry_run": dry_run, **more}).status == status
    assert len(credvend.sts.asked) == 1


def test_policies_see_the_format_however_it_is_asked_for(deciding_by: Set) -> None:
    credvend = deciding_by('[Format::"process", Format::"container"].contains(context.format)')
    assert credvend.vend({"role": "reader"}).status == 403
    assert credvend.vend({"role": "reader"}, query={"format": "env"}).status == 403
    assert credvend.vend({"role": "reader"}, query={"format": "process"}).status == 200
    sdk = {"Authorization": sign(honest_claims(), KEY)}
    assert credvend.call("GET", "/v1/credentials", headers=sdk, role="reader").status == 200
    assert [record["format"] for record in credvend.records()][::2] == ["json", "process", "container"]


def test_policies_see_params_and_reason_of_a_query(deciding_by: Set) -> None:
    credvend = deciding_by(
        'context.params.hasTag("tenant") && context.params.getTag("tenant") like "a*" && context has reason'
    )
    sdk = {"Authorization": sign(honest_claims(), KEY)}
    for query, status in (
        ({"params.tenant": "acme", "reason": "x"}, 200),
        ({"params.tenant": "acme"}, 403),
        ({"params.tenant": "other", "reason": "x"}, 403),
    ):
        assert credvend.call("GET", "/v1/credentials", headers=sdk, role="tenant", query=query).status == status


def test_a_tag_that_no_text_can_hold_is_refused(deciding_by: Set) -> None:
    credvend = deciding_by('context.tags.hasTag("Project")')
    answer = credvend.vend('{"role": "tenant", "tags": {"Project": "\\ud800"}}')
    assert answer.status == 400 and "half a character" in str(answer.body["Message"])


def test_records_say_what_policies_saw_of_a_token(deciding_by: Set) -> None:
    credvend = deciding_by('principal is OidcSubject && principal in OidcGroup::"main:ops"')
    for groups in (["dev", "ops"], ["dev"]):
        token = sign(honest_claims(groups=groups, team="red", areas=["a", "b"], hidden="x"), KEY)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        credvend.call("POST", "/v1/credentials", '{"role": "reader"}', headers=headers)
    requested, vended, denied = credvend.records()
    assert requested["caller_groups"] == vended["caller_groups"] == ["dev", "ops"]
    assert denied["event"] == "credentials.denied" and denied["caller_groups"] == ["dev"]
    for record in (requested, vended, denied):
        assert record["caller_claims"] == {"team": "red", "areas": ["a", "b"]}
        assert str(record["decision_time"]).endswith("+00:00")


def test_a_denial_by_default_is_recorded_with_what_came_close_and_tells_the_caller_nothing(
    credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = """
        @id("secret-hours") permit (principal, action, resource == Role::"reader") when { context.duration > 1800 };
        @id("secret-role") permit (principal == IamUser::"arn:aws:iam::111122223333:user/alice", action,
                                   resource == Role::"plain");
        @id("secret-user") permit (principal == IamUser::"arn:aws:iam::111122223333:user/bob", action,
                                   resource == Role::"reader");
    """
    monkeypatch.setattr(
        app_module, "service", load_service(write_config(tmp_path, ROLES, policies), Settings("eu-west-1"))
    )
    denied, unknown = credvend.vend({"role": "reader"}), credvend.vend({"role": "nobody"})
    assert denied.body | {"RequestId": ""} == unknown.body | {"RequestId": ""} and "secret" not in denied.text
    first, second = credvend.records()
    assert first["near_permits"] == {
        "condition": ["secret-hours"],
        "resource": ["secret-role"],
        "principal": ["secret-user"],
    }
    assert "near_permits" not in second


def test_a_forbid_that_decided_is_named_and_nothing_else(deciding_by: Set) -> None:
    credvend = deciding_by("context.duration > 9999")
    credvend.vend({"role": "reader"})
    (record,) = credvend.records()
    assert record["policies"] == ["unless"] and "near_permits" not in record


@pytest.mark.no_cover
def test_the_largest_record_is_one_that_logs_take(
    credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """256 KB, which CloudWatch Logs took before it took more; and it says how much is left out."""
    wide = "\U0001f512" * 20
    policies = "\n".join(
        f'@id("{wide}{number}") forbid (principal, action, resource == Role::"tenant");' for number in range(4999)
    )
    monkeypatch.setattr(
        app_module, "service", load_service(write_config(tmp_path, ROLES, policies), Settings("eu-west-1"))
    )
    text = "\u0085" * 50
    answer = credvend.vend({"role": "tenant", "tags": {f"{n}{text}": "" for n in range(50)}, "params": {"a": "b"}})
    assert answer.status == 403
    line = credvend.capture.readouterr().out
    record = json.loads(line)
    assert len(line.encode()) < 256 * 1024 - 26
    assert len(record["policies"]) > 100
    assert len(record["policies"]) + record["left_out"]["policies"] == 4999
    assert len(record["requested_tags"]) == 50 and set(record["left_out"]) == {"policies"}
