"""What is described is what the service would see."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.source import load_source
from chalicelib.errors import CallerRefused, InvalidRequest, InvalidToken
from ops.deciding.described import CallerEntry, Described, NotDescribed, asking_of, caller_of, outcome_of
from testing.policies import HOME, configuration_directory

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
POLICIES = """
@id("developers") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open");
@id("ci") permit (principal == ServiceToken::"ci", action, resource);
@id("alice") permit (principal == IamUser::"arn:aws:iam::111122223333:user/alice", action, resource);
@id("no-sdk") forbid (principal, action, resource == Role::"deep") when { context.format == Format::"container" };
"""
ALICE = CallerEntry(arn=f"arn:aws:iam::{HOME}:user/alice")


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load_source(configuration_directory(tmp_path, POLICIES), allow_loopback_http=False)


@pytest.mark.parametrize(
    ("entry", "caller"),
    [
        (CallerEntry(arn=f"arn:aws:iam::{HOME}:user/a/b"), IamUser("aws", HOME, "/a/", "b", "AIDAEXAMPLE")),
        (
            CallerEntry(arn=f"arn:aws:sts::{HOME}:assumed-role/Op/alice"),
            IamRoleSession("aws", HOME, "Op", "alice", "AROAEXAMPLE:alice"),
        ),
        (
            CallerEntry(arn=f"arn:aws:sts::{HOME}:assumed-role/Op/alice", principal_id="AROAX:alice"),
            IamRoleSession("aws", HOME, "Op", "alice", "AROAX:alice"),
        ),
        (
            CallerEntry(arn=f"arn:aws:sts::{HOME}:federated-user/bob"),
            FederatedUser("aws", HOME, "bob", f"{HOME}:bob"),
        ),
        (
            CallerEntry(token="ci", owner="team", tags={"b": "2", "a": "1"}),
            ServiceToken("ci", "team", (("a", "1"), ("b", "2"))),
        ),
        (
            CallerEntry(issuer="okta", claims={"sub": "x", "groups": ["dev", " "], "team": 7, "amr": ["mfa"]}),
            OidcSubject("okta", "x", ("dev",), (("amr", ("mfa",)), ("team", "7")), (" ",)),
        ),
    ],
)
def test_each_kind_is_what_the_service_makes_of_it(
    configuration: Configuration, entry: CallerEntry, caller: Caller
) -> None:
    assert caller_of(configuration, entry, NOW) == caller


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({}, "wrong_claim"),
        ({"sub": "x", "aud": "another"}, "wrong_audience"),
        ({"sub": "x", "exp": 1}, "expired"),
        ({"sub": "x", "aud": None}, "missing_claim"),
        ({"sub": "x", "groups": [7]}, "wrong_claim"),
        ({"sub": "x", "a": {"b": float("nan")}}, "malformed"),
    ],
)
def test_a_token_that_proves_nothing_is_refused(
    configuration: Configuration, claims: dict[str, object], cause: str
) -> None:
    outcome = outcome_of(configuration, Described(CallerEntry(issuer="okta", claims=claims), "reader", NOW))
    assert isinstance(outcome.refusal, InvalidToken)
    assert (outcome.refusal.cause, outcome.decided, outcome.allowed) == (cause, None, False)


def test_who_is_never_served_is_refused(configuration: Configuration) -> None:
    outcome = outcome_of(configuration, Described(CallerEntry(arn=f"arn:aws:iam::{HOME}:root"), "reader", NOW))
    assert isinstance(outcome.refusal, CallerRefused)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (CallerEntry(), "must have one of `arn`, `issuer`, `token`, and has none of them"),
        (CallerEntry(arn="a", token="b"), "and has `arn` and `token`"),
        (CallerEntry(arn="a", claims={"sub": "x"}), "has `claims`, which belongs to `issuer`"),
        (CallerEntry(arn="alice"), "`arn` must be an ARN"),
        (CallerEntry(arn=f"arn:aws:iam::{HOME}:role/team/Op"), f"arn:aws:sts::{HOME}:assumed-role/Op/SESSION"),
        (CallerEntry(arn="arn:aws:iam::1:user/alice"), "`arn` must be that of an IAM user"),
        (CallerEntry(arn=f"arn:aws:iam::{HOME}:user/*"), "can be nobody"),
        (CallerEntry(issuer="otka"), "did you mean okta?"),
        (CallerEntry(token="a b"), "is no name for a token"),
        (CallerEntry(token="a", tags={"7": ""}), "is no key of a tag"),
        (CallerEntry(issuer="okta", claims={"sub": {1, 2}}), "what JSON does not know"),
    ],
)
def test_what_nobody_can_be_is_told(configuration: Configuration, entry: CallerEntry, message: str) -> None:
    with pytest.raises(NotDescribed) as error:
        caller_of(configuration, entry, NOW)
    assert message in str(error.value)


def test_a_role_that_is_not_there_is_no_denial(configuration: Configuration) -> None:
    with pytest.raises(NotDescribed, match=r"did you mean reader\?"):
        outcome_of(configuration, Described(ALICE, "raeder", NOW))


def test_an_address_is_as_the_api_sees_it(configuration: Configuration) -> None:
    described = Described(ALICE, "reader", NOW, address="::ffff:192.0.2.9")
    assert asking_of(configuration, described).address == "192.0.2.9"
    with pytest.raises(NotDescribed, match="`address` must be"):
        asking_of(configuration, described._replace(address="10.0.0.0/8"))


def test_an_outcome_has_decision_and_plan(configuration: Configuration) -> None:
    outcome = outcome_of(configuration, Described(ALICE, "reader", NOW, duration="20m", reason=" why "))
    assert outcome.allowed and outcome.policies == ("alice",)
    assert outcome.plan is not None and outcome.plan.duration == 1200
    assert outcome.asking is not None and outcome.asking.request.reason == "why"


def test_what_the_roles_own_rules_refuse_is_no_denial_of_policies(configuration: Configuration) -> None:
    outcome = outcome_of(configuration, Described(ALICE, "reader", NOW, duration=3600))
    assert isinstance(outcome.refusal, InvalidRequest)
    assert outcome.policies == ("alice",) and not outcome.allowed


def test_a_malformed_request_never_comes_to_a_decision(configuration: Configuration) -> None:
    outcome = outcome_of(configuration, Described(ALICE, "reader", NOW, duration="soon"))
    assert isinstance(outcome.refusal, InvalidRequest) and outcome.decided is None


def test_sdks_ask_in_their_own_way(configuration: Configuration) -> None:
    described = Described(CallerEntry(token="ci"), "deep", NOW, format="container", duration="15m")
    assert outcome_of(configuration, described).policies == ("no-sdk",)
    refused = outcome_of(configuration, described._replace(tags={"Team": "a"}))
    assert isinstance(refused.refusal, InvalidRequest) and refused.decided is None
    with pytest.raises(NotDescribed, match="who signs has no such way"):
        outcome_of(configuration, described._replace(caller=ALICE))
