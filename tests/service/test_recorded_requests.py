"""What the service has recorded of a request is that request: asked again, it is decided as it was."""

import json
from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from ops.deciding.deciding import decide
from ops.deciding.recorded import NotRecorded, is_vend, recorded
from testing.app import CredvendApp, Json, write_config
from testing.events import federated_user, iam_user, role_session, root
from testing.tokens import AUDIENCE, ISSUER, ec_key, honest_claims, key_set, sign

KEY = ec_key("recorded")
ISSUERS = (
    f"issuers: [{{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json, "
    "groups_claim: groups, claims: {team: team, areas: areas}}]"
)
POLICIES = """
@id("users") permit (principal in Account::"111122223333", action, resource in RoleGroup::"open");
@id("dev") permit (principal in OidcGroup::"main:dev", action, resource in RoleGroup::"open")
when { principal.hasTag("areas") && principal.getTag("areas").values.contains("b") };
@id("short") forbid (principal, action, resource) when { context.duration > 2000 };
@id("no-sdk") forbid (principal is OidcSubject, action, resource == Role::"reader")
when { context.format == Format::"container" };
@id("not-narrowed") forbid (principal, action, resource == Role::"plain") unless { context.narrowed };
@id("tagged") forbid (principal, action, resource == Role::"tenant")
unless { context.tags.hasTag("Project") && context.params.hasTag("tenant") };
"""
NARROW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


@pytest.fixture
def asked(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CredvendApp:
    config = write_config(tmp_path, policies=POLICIES)
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(KEY)))
    (config / "issuers.yaml").write_text(ISSUERS)
    monkeypatch.setattr(app_module, "service", load_service(config, Settings("eu-west-1")))
    return credvend


def ask_many(credvend: CredvendApp) -> None:
    """Requests by each kind of caller that signs or brings a token, allowed and denied."""
    for identity in (iam_user(), iam_user("bob", "/team/"), role_session("Op", "x"), federated_user("f")):
        for body in (
            {"role": "reader"},
            {"role": "reader", "duration": "1h", "reason": "a reason"},
            {"role": "plain"},
            {"role": "plain", "policy": NARROW, "dry_run": True},
            {"role": "nothing-like-it"},
            {"role": "arn:aws:iam::444455556666:role/deep/external"},
            {"role": "tenant", "params": {"tenant": "acme"}, "tags": {"Project": "x"}},
            {"role": "tenant", "params": {"tenant": "acme"}},
            {"role": "tenant", "params": {"tenant": "acme", "area": "B"}, "tags": {"Project": "x"}},
        ):
            credvend.vend(body, identity=identity)
    for claims in ({"groups": ["dev", "ops", " "], "areas": ["a", "b"]}, {"groups": ["dev"], "areas": "b"}, {}):
        bearer = {"Authorization": sign(honest_claims(**claims), KEY)}
        credvend.call("GET", "/v1/credentials", headers=bearer, role="reader")
        credvend.call("GET", "/v1/credentials", headers=bearer, role="brief", query={"duration": "900"})


def test_a_recorded_request_is_decided_as_it_was(asked: CredvendApp) -> None:
    ask_many(asked)
    configuration = app_module.service.configuration()
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for record in filter(is_vend, asked.records()):
        told = recorded(record)
        outcome = decide(configuration, told.asking)
        assert told.configuration == configuration.digest
        assert outcome.decided is not None
        assert ("allow" if outcome.decided.decision.allowed else "deny", outcome.policies) == (
            told.decision,
            told.policies,
        )
        assert outcome.allowed is (told.event != "credentials.denied"), told
        if outcome.plan is not None and not told.unknown:
            assert outcome.plan.session_name == record["session_name"]
            tags = {key: value for key, value in outcome.plan.tags if key != "credvend:request"}
            assert tags == {key: v for key, v in _tags(record).items() if key != "credvend:request"}
        seen.add((told.event, told.policies))
    assert {policies for _, policies in seen} == {
        *((), ("users",), ("dev",), ("short",), ("no-sdk",), ("not-narrowed",), ("tagged",)),
    }


def _tags(record: Json) -> dict[str, str]:
    tags = record["session_tags"]
    assert isinstance(tags, dict)
    return tags


def test_what_a_record_does_not_tell_is_said(asked: CredvendApp) -> None:
    asked.vend({"role": "plain", "policy": NARROW, "dry_run": True})
    (record,) = asked.records()
    told = recorded(record)
    assert told.asking.request.policy is not None and told.asking.request.dry_run
    assert [what.partition(":")[0] for what in told.unknown] == ["the caller's session policy"]
    record["left_out"] = {"caller_groups": 7}
    assert recorded(record).unknown[-1] == "7 entries of caller_groups, which were too many to record"


def test_a_request_that_was_refused_before_any_decision_can_be_asked_again(asked: CredvendApp) -> None:
    """Where it is known who asked for which role: of a token that was used twice, say."""
    asked.vend({"role": "reader"})
    (record, _) = asked.records()
    del record["decision_time"], record["decision"]
    assert not is_vend(record)
    assert recorded(record).unknown[0].startswith("when it was decided")


def test_other_records_are_told_apart(asked: CredvendApp) -> None:
    asked.call("GET", "/v1/iam/roles")
    asked.vend({"role": "reader"}, identity=root())
    asked.vend({"role": 7})
    for record in asked.records():
        assert not is_vend(record)
        with pytest.raises(NotRecorded, match="no known caller who asked for a role"):
            recorded(record)
    with pytest.raises(NotRecorded, match="no audit record"):
        recorded({"message": "START"})


def test_a_record_that_was_cut_is_told_apart(asked: CredvendApp) -> None:
    asked.vend({"role": "reader"})
    for field in ("caller_principal_id", "source_ip", "format", "caller_account"):
        asked.vend({"role": "reader"})
        record = asked.records()[0]
        del record[field]
        with pytest.raises(NotRecorded, match="does not tell enough"):
            recorded(record)
