"""A deployed function takes the configuration that was compiled for it, whole and unchanged, or does not start."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.callers.iam_user import IamUser
from chalicelib.configuration.compile import compile_configuration
from chalicelib.configuration.compiled import compiled_path
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.load import load_configuration
from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.configuration.settings import Settings, read_settings
from chalicelib.decisions.audit_mode import Audited
from chalicelib.decisions.decision import Circumstances, NearPermits
from chalicelib.errors import ConfigError
from chalicelib.http import HttpEdge
from ops.environments import ROOT
from testing.app import ACCOUNT, ROLES, CredvendApp, write_config
from testing.imported import assert_not_imported
from testing.tokens import key_set, rsa_key

DEPLOYED = Settings("ap-northeast-2", deployed=True)
SESSIONS = """
ledger: false
keep: 30d
operator_role: credvend/operator
"""
ISSUERS = "issuers: [{name: okta, issuer: https://id.example.com, audiences: [a], jwks_file: keys/okta.json}]\n"
# One role with everything that roles.yaml knows, beside those of the other tests.
MORE_ROLES = """
  - name: everything
    arn: arn:aws:iam::111122223333:role/deep/everything
    description: "Zo\u00eb's \U0001f511"
    groups: [open, closed]
    default_duration: 20m
    max_duration: 1800
    external_id: shared-id
    require_reason: true
    probe: ec2:DescribeInstances
    chains_to: ["arn:aws:iam::111122223333:role/x", "arn:aws:iam::999988887777:role/deep/y"]
    params: {size: {pattern: "[0-9]+"}, area: {pattern: "a|b", default: a, description: Where.}}
    claims: {tenant: {pattern: "[a-z/]+", separators: /}}
    policy:
      Version: "2012-10-17"
      Statement:
        - {Sid: One, Effect: Allow, Action: "s3:*", Resource: ["arn:aws:s3:::${params.area}/${claims.tenant}/*"]}
        - Effect: Deny
          NotAction: s3:GetObject
          Resource: "*"
          Condition: {StringLike: {"aws:PrincipalTag/a": "${aws:username}/x/${caller.name}"}, Bool: {"aws:x": true}}
    tags: {Size: "${params.size}", Fixed: x}
    caller_tags: [Project]
    transitive_tags: [Size, "credvend:caller"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration directory, compiled."""
    config = write_config(tmp_path / "config", ROLES + MORE_ROLES)
    (config / "keys").mkdir()
    (config / "keys/okta.json").write_text(json.dumps(key_set(rsa_key("okta"))))
    (config / "issuers.yaml").write_text(ISSUERS)
    (config / "sessions.yaml").write_text(SESSIONS)
    compile_configuration(config, allow_loopback_http=False)
    return config


def both(config: Path) -> tuple[Configuration, Configuration]:
    """As it is written, and as it was compiled."""
    return load_configuration(config, Settings("ap-northeast-2")), load_configuration(config, DEPLOYED)


def test_what_is_compiled_is_what_was_written(config: Path) -> None:
    written, compiled = both(config)
    assert compiled.catalog.roles == written.catalog.roles
    assert [issuer.issuer for issuer in compiled.trusted_issuers().values()] == [
        issuer.issuer for issuer in written.trusted_issuers().values()
    ]
    assert compiled.sessions == written.sessions == SessionSettings(False, 30 * 86_400, 0, "credvend/operator")
    for role in written.catalog.roles:
        assert compiled.catalog.find_role(role.name) == compiled.catalog.find_role(role.arn) == role
        for user in ("alice", "mallory"):
            caller = IamUser("aws", ACCOUNT, "/", user, "AIDA")
            here = Circumstances(900, "198.51.100.7", False, datetime.now(UTC))
            assert compiled.authorizer.decide(caller, role, here) == written.authorizer.decide(caller, role, here)
    assert compiled.catalog.find_role("nobody") is None


AFTER_NOON = """
@id("after-noon") permit (principal, action, resource == Role::"forbidden")
when { context.local.time >= duration("12h") && context.narrowed };
@id("a-role-of-here") permit (principal is IamRole in Account::"111122223333", action, resource == Role::"forbidden")
when { context.narrowed };
@id("not-long") forbid (principal, action, resource == Role::"forbidden") when { context.duration > 900 };
"""


@pytest.mark.parametrize(("hour", "allowed"), [(10, False), (11, True)])
def test_the_time_zone_and_what_decisions_are_told_are_compiled(config: Path, hour: int, allowed: bool) -> None:
    """The function has no other way to know them."""
    (config / "roles.yaml").write_text(
        "time_zone: Europe/Berlin\n" + (config / "roles.yaml").read_text("utf-8"), "utf-8"
    )
    (config / "policies/noon.cedar").write_text(AFTER_NOON)
    compile_configuration(config, allow_loopback_http=False)
    caller = IamUser("aws", ACCOUNT, "/", "mallory", "AIDA")
    moment = datetime(2026, 1, 7, hour, tzinfo=UTC)
    here = Circumstances(900, "198.51.100.7", False, moment, narrowed=True)
    for configuration in both(config):
        role = configuration.catalog.find_role("forbidden")
        assert role is not None
        assert configuration.authorizer.decide(caller, role, here).allowed is allowed
        assert not configuration.authorizer.decide(caller, role, here._replace(narrowed=False)).allowed
        assert configuration.authorizer.local(moment).isoformat() == f"2026-01-07T{hour + 1}:00:00+01:00"
        assert configuration.authorizer.near_permits(caller, role) == NearPermits(
            condition=("after-noon",), principal=("a-role-of-here",)
        )


TRIED = """
@id("no-nights") @mode("audit") forbid (principal, action, resource is Role)
when { context.local.time < duration("9h") && context.narrowed };
@id("for-mallory") @mode("audit")
permit (principal == IamUser::"arn:aws:iam::111122223333:user/mallory", action, resource);
"""


def test_policies_in_audit_mode_are_compiled_apart_from_those_that_decide(config: Path) -> None:
    (config / "roles.yaml").write_text(
        "time_zone: Europe/Berlin\n" + (config / "roles.yaml").read_text("utf-8"), "utf-8"
    )
    (config / "policies/tried.cedar").write_text(TRIED)
    compile_configuration(config, allow_loopback_http=False)
    found: list[list[Audited | None]] = []
    for configuration in both(config):
        assert configuration.audit_mode is not None
        found.append([])
        for user, allowed in (("alice", True), ("mallory", False)):
            caller = IamUser("aws", ACCOUNT, "/", user, "AIDA")
            role = configuration.catalog.find_role("reader")
            assert role is not None
            for hour in (7, 8):  # 8 and 9 in Berlin
                moment = datetime(2026, 1, 7, hour, tzinfo=UTC)
                here = Circumstances(900, "198.51.100.7", False, moment, narrowed=True)
                decision = configuration.authorizer.decide(caller, role, here)
                assert decision.allowed is allowed
                found[-1].append(configuration.audit_mode.look(caller, role, here, decision))
            roles = configuration.catalog.roles
            assert bool(configuration.authorizer.permitted(caller, roles, here.source_ip, moment)) is allowed
    assert found[0] == found[1]
    assert found[0] == [
        Audited(False, ("no-nights",), ()),
        None,
        Audited(False, ("for-mallory", "no-nights"), ()),
        Audited(True, ("for-mallory",), ()),
    ]


def test_a_function_in_lambda_is_a_deployed_one() -> None:
    assert read_settings({"AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "credvend-prod"}).deployed
    assert not read_settings({"AWS_REGION": "eu-west-1"}).deployed


def test_the_app_vends_with_what_was_compiled(
    credvend: CredvendApp, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "service", load_service(config, DEPLOYED))
    monkeypatch.setattr(app_module, "edge", HttpEdge(app_module.service.record_unforeseen))
    answer = credvend.vend({"role": "tenant", "params": {"tenant": "acme"}})
    assert answer.status == 200 and "data/acme/public/*" in credvend.sts.asked[0]["Policy"]
    assert credvend.vend({"role": "forbidden"}).status == credvend.vend({"role": "nobody"}).status == 403


def resealed(config: Path, change: Callable[[dict[str, object]], object]) -> None:
    """The compiled file, changed, and its digest with it."""
    document = json.loads(compiled_path(config).read_bytes().partition(b"\n")[2])
    change(document)
    content = json.dumps(document).encode()
    compiled_path(config).write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def cut(config: Path, end: int | None) -> None:
    compiled_path(config).write_bytes(compiled_path(config).read_bytes()[:end])


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda config: compiled_path(config).unlink(), "cannot be read"),
        (lambda config: cut(config, 0), "is not whole"),
        (lambda config: cut(config, 64), "is not whole"),
        (lambda config: cut(config, 65), "is not whole"),
        (lambda config: cut(config, -1), "is not whole"),
        (
            lambda config: compiled_path(config).write_bytes(
                compiled_path(config).read_bytes().replace(b"permit", b"forbid")
            ),
            "is not whole",
        ),
        (lambda config: resealed(config, lambda document: document.update(format=0)), "another version"),
        (lambda config: resealed(config, lambda document: document.update(allow_loopback_http=True)), "another stage"),
        (lambda config: (config / "roles.yaml").write_text(ROLES), "not made from the configuration beside it"),
        (lambda config: (config / "issuers.yaml").unlink(), "not made from the configuration beside it"),
        (lambda config: (config / "keys/okta.json").write_text("{}"), "not made from the configuration beside it"),
        (lambda config: (config / "policies/more.cedar").touch(), "not made from the configuration beside it"),
        (
            lambda config: (config / "policies/all.cedar").rename(config / "policies/a.cedar"),
            "not made from the configuration beside it",
        ),
    ],
)
def test_a_deployed_function_does_not_start_without_its_own_whole_configuration(
    config: Path, spoil: Callable[[Path], object], why: str
) -> None:
    load_service(config, DEPLOYED)
    spoil(config)
    with pytest.raises(ConfigError, match=why):
        load_service(config, DEPLOYED)


def test_an_invalid_configuration_is_not_compiled(config: Path) -> None:
    compiled_path(config).unlink()
    (config / "policies/all.cedar").write_text('@id("a") forbid (principal, action, resource == Role::"nobody");')
    with pytest.raises(ConfigError, match="is not in the catalog"):
        compile_configuration(config, allow_loopback_http=False)
    assert not compiled_path(config).exists()


def test_a_signed_vend_imports_nothing_that_only_others_need(config: Path, tmp_path: Path) -> None:
    """Each of them would cost every cold start some milliseconds."""
    shutil.copy(ROOT / "app.py", tmp_path)
    shutil.copytree(ROOT / "chalicelib", tmp_path / "chalicelib", ignore=shutil.ignore_patterns("config"))
    shutil.copytree(config, tmp_path / "chalicelib/config")
    compile_configuration(tmp_path / "chalicelib/config", allow_loopback_http=False)
    loaded = subprocess.run(
        [sys.executable, "-c", "import app, sys; print(*sys.modules, sep=chr(10)); print(sys.modules['cedarpy.pst'])"],
        cwd=tmp_path,
        env={"AWS_REGION": "ap-northeast-2", "AWS_LAMBDA_FUNCTION_NAME": "credvend-prod"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "chalicelib.configuration.compiled" in loaded and "pst.py" not in loaded[-1]
    needless = (
        "boto3",
        "s3transfer",
        "yaml",
        "tzdata",
        "zoneinfo",
        "msgspec",
        "jwt",
        "cryptography",
        "chalicelib.callers.oidc.issuer_keys",
        "chalicelib.ledger.reading",
        "chalicelib.own_sessions",
        "chalicelib.revocation.requests",
        "chalicelib.examining.doctor",
        "chalicelib.callers.shape",
        "chalicelib.decisions.audit_mode",
        "chalicelib.configuration.all_warnings",
        "chalicelib.configuration.policy_conditions",
        "chalicelib.wire.own_sessions",
    )
    assert_not_imported(needless, loaded)
