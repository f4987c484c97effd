"""Tests of policies pass where the service would do as they say, and else tell what it would do."""

from pathlib import Path

import pytest

from chalicelib.configuration.source import read_source
from ops.policy_tests.read import read_tests
from ops.policy_tests.run import Ran, Report, run_tests
from testing.policies import HOME, configuration_directory

POLICIES = f"""
@id("alice") permit (principal == IamUser::"arn:aws:iam::{HOME}:user/alice", action, resource);
@id("dev") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open")
when {{ context.source_ip.isInRange(ip("10.0.0.0/8")) }};
@id("hours") forbid (principal is OidcSubject, action, resource == Role::"writer")
when {{ context.local.time < duration("9h") }};
@id("session") permit (principal is IamRole, action, resource == Role::"deep")
when {{ principal.principal_id like "AROA1:*" }};
@id("owner") permit (principal is ServiceToken, action, resource == Role::"deep") when {{ principal.owner == "olga" }};
@id("whole") forbid (principal is FederatedUser, action, resource) when {{ context == context }};
"""
CALLERS = f"""
callers:
  alice: {{arn: "arn:aws:iam::{HOME}:user/alice"}}
  bob: {{arn: "arn:aws:iam::{HOME}:user/bob"}}
  dev: {{issuer: okta, claims: {{sub: x, groups: [dev]}}}}
  session: {{arn: "arn:aws:sts::{HOME}:assumed-role/Op/x"}}
  known-session: {{arn: "arn:aws:sts::{HOME}:assumed-role/Op/x", principal_id: "AROA1:x"}}
  token: {{token: ci}}
  olgas: {{token: ci, owner: olga}}
  federated: {{arn: "arn:aws:sts::{HOME}:federated-user/f"}}
"""


def run(directory: Path, *tests: str, policies: str = POLICIES) -> Report:
    config = configuration_directory(directory, policies)
    (config / "tests").mkdir()
    listed = "".join(f"  - {{name: t{number}, {test}}}\n" for number, test in enumerate(tests))
    (config / "tests/a.yaml").write_text(f"{CALLERS}tests:\n{listed}")
    return run_tests(read_source(config, False), read_tests(config).cases)


def one(directory: Path, test: str) -> Ran:
    return run(directory, test).ran[0]


@pytest.mark.parametrize(
    "test",
    [
        "caller: alice, role: reader, expect: allow, policies: [alice]",
        f"caller: alice, role: reader, expect: allow, session: {{name: user=alice@{HOME}, duration: 15m}}",
        f"caller: alice, role: reader, expect: allow, session: {{source_identity: user=alice@{HOME}, policy: null}}",
        "caller: alice, role: writer, params: {tenant: a}, tags: {Team: x}, expect: allow, "
        "session: {tags: {tenant: a, Team: x, Owner: null}, policy_arns: []}",
        "caller: bob, role: reader, expect: deny, policies: []",
        "caller: alice, role: reader, duration: 1h, expect: deny, code: InvalidRequest, policies: [alice]",
        "caller: {issuer: okta, claims: {sub: x, aud: y}}, role: reader, expect: deny, code: InvalidToken",
        "caller: dev, role: reader, address: 10.0.0.1, expect: allow",
        "caller: dev, role: writer, params: {tenant: a}, address: 10.0.0.1, time: 2026-01-01T09:00:00Z, expect: allow",
        "caller: dev, role: writer, address: 10.0.0.1, time: 2026-01-01T08:59:59Z, expect: deny, policies: [hours]",
        "caller: known-session, role: deep, expect: allow",
        "caller: olgas, role: deep, expect: allow",
    ],
)
def test_what_is_so_passes(tmp_path: Path, test: str) -> None:
    ran = one(tmp_path, test)
    assert ran.passed, (ran.problem, ran.differences)


@pytest.mark.parametrize(
    ("test", "differences"),
    [
        ("caller: bob, role: reader, expect: allow", [("expect", "allow", "deny")]),
        ("caller: alice, role: reader, expect: deny", [("expect", "deny", "allow")]),
        (
            "caller: alice, role: reader, duration: 1h, expect: deny",
            [("code", "AccessDenied", "InvalidRequest")],
        ),
        ("caller: bob, role: reader, expect: deny, code: InvalidRequest", [("code", "InvalidRequest", "AccessDenied")]),
        (
            "caller: alice, role: reader, expect: allow, policies: [alice, dev]",
            [("policies", ["alice", "dev"], ["alice"])],
        ),
        (
            "caller: alice, role: reader, expect: allow, session: {name: a, duration: 20m, source_identity: null, "
            "tags: {a: b, credvend:role: null}, policy: {}, policy_arns: [a]}",
            [
                ("session.tags.a", "b", None),
                ("session.tags.credvend:role", None, "reader"),
                ("session.policy", {}, None),
                ("session.policy_arns", ["a"], []),
                ("session.duration", "20m", 900),
                ("session.name", "a", f"user=alice@{HOME}"),
                ("session.source_identity", None, f"user=alice@{HOME}"),
            ],
        ),
    ],
)
def test_what_is_not_so_is_told(tmp_path: Path, test: str, differences: list[tuple[str, object, object]]) -> None:
    ran = one(tmp_path, test)
    assert not ran.passed and ran.explanation is not None
    assert [tuple(difference) for difference in ran.differences] == differences


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        ("caller: alice, role: raeder, expect: deny", "`role` 'raeder' is not in the catalog; did you mean reader?"),
        ("caller: {issuer: otka}, role: reader, expect: deny", "`issuer` 'otka' is not in issuers.yaml"),
        ("caller: {arn: alice}, role: reader, expect: deny", "`arn` must be an ARN"),
        ("caller: alice, role: reader, address: here, expect: allow", "`address` must be one IPv4 or IPv6 address"),
        ("caller: bob, role: reader, expect: deny, policies: [alise]", "which there is not; did you mean alice?"),
        # By chance: another address, another hour, another id would be decided otherwise.
        ("caller: dev, role: reader, expect: deny", "policy dev looks at context.source_ip: say `address`"),
        ("caller: dev, role: writer, address: 10.0.0.1, expect: deny", "hours looks at context.local: say `time`"),
        ("caller: session, role: deep, expect: deny", "principal.principal_id: say `principal_id` of the caller"),
        ("caller: token, role: deep, expect: deny", "policy owner looks at principal.owner: say `owner` of the caller"),
        ("caller: federated, role: deep, expect: deny", "policy whole looks at context.time: say `time`"),
    ],
)  # fmt: skip
def test_what_proves_nothing_does_not_pass(tmp_path: Path, test: str, problem: str) -> None:
    ran = one(tmp_path, test)
    assert not ran.passed and problem in str(ran.problem)


def test_a_session_policy_means_the_same_in_each_of_its_spellings(tmp_path: Path) -> None:
    sent = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}'
    listed, other = sent.replace('"s3:*"', '["s3:*"]'), sent.replace("s3:*", "s3:Get*")
    asked = f"caller: alice, role: reader, expect: allow, policy: {sent}"
    report = run(
        tmp_path,
        f"{asked}, session: {{policy: {sent}}}",
        f"{asked}, session: {{policy: {listed}}}",
        f"{asked}, session: {{policy: {other}}}",
        f"{asked}, session: {{policy: null}}",
    )
    assert [ran.passed for ran in report.ran] == [True, True, False, False]


def test_policies_that_no_test_reaches_are_told(tmp_path: Path) -> None:
    """What decides is reached; what comes near is not. A test that fails reaches, too."""
    report = run(
        tmp_path,
        "caller: alice, role: reader, expect: deny",
        "caller: dev, role: reader, address: 192.0.2.1, expect: deny",
        "caller: olgas, role: deep, expect: allow",
    )
    assert [ran.case.name for ran in report.failed] == ["t0"]
    assert [policy.name for policy in report.unreached] == ["dev", "hours", "session", "whole"]


def test_policies_in_audit_mode_decide_in_no_test_and_are_reached_where_they_apply(tmp_path: Path) -> None:
    tried = POLICIES.replace('@id("alice")', '@id("alice") @mode("audit")').replace(
        '@id("hours")', '@id("hours") @mode("audit")'
    )
    asked = "caller: alice, role: reader, expect: deny"
    report = run(tmp_path, asked, f"{asked}, policies: [alice]", policies=tried)
    assert [one.problem for one in report.ran] == [
        None,
        "`policies` names 'alice', which is in audit mode, and decides nothing",
    ]
    assert [policy.name for policy in report.unreached] == ["dev", "hours", "session", "owner", "whole"]
