"""The doctor asks about roles of more than an hour, and of leases, as they are vended."""

from pathlib import Path
from typing import Any

import pytest

import app as app_module
from chalicelib.assembly import load_doctor
from chalicelib.configuration.settings import Settings
from testing.app import CredvendApp, Invocation
from testing.kms_server import KmsServer
from testing.signing_app import ALIAS, ISSUER, kms, use
from testing.sts_server import Refusal, StsServer, claims_of

__all__ = ["kms"]

LONG = "arn:aws:iam::111122223333:role/long"
ROLES = f"""
roles:
  - {{name: long, arn: "{LONG}", groups: [open], max_duration: 12h}}
  - {{name: brief, arn: "arn:aws:iam::111122223333:role/brief", groups: [open], min_duration: 60s}}
"""
DENIED = Refusal("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


@pytest.fixture
def credvend(
    sts: StsServer, kms: KmsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CredvendApp:
    """The doctor of a stage that signs: no request comes to it through an API, so that it is told the issuer."""
    load_doctor.cache_clear()
    settings = Settings("ap-northeast-2", signing_alias=ALIAS, issuer=ISSUER)
    monkeypatch.setattr(app_module, "settings", settings)
    use(monkeypatch, tmp_path, settings, ROLES)
    return CredvendApp(sts, capsys)


def told(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = app_module.examine_roles({"Examine": [name]}, Invocation())
    (one,) = answer["Roles"]
    return dict(one)


def test_a_role_of_more_than_an_hour_is_asked_for_with_a_token(credvend: CredvendApp, sts: StsServer) -> None:
    assert (told("long")["Granted"], told("long")["ByWebIdentity"]) == (True, True)
    asked = sts.asked[0]
    claims = claims_of(asked)
    assert (claims["iss"], claims["sub"], asked["DurationSeconds"]) == (ISSUER, LONG, "43200")
    assert "Deny" in asked["Policy"]


def test_what_a_tokens_role_lacks_is_found_though_sts_does_not_name_it(credvend: CredvendApp, sts: StsServer) -> None:
    sts.refusals = [DENIED]
    lacks = told("long")["Lacks"]
    assert lacks == [{"What": "together", "Cause": "not_trusted"}]
    missing = Refusal("InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + ISSUER, 400)
    sts.refusals = [missing, missing]
    assert told("long")["Lacks"] == [{"What": "assume_role", "Cause": "no_provider"}]


def test_where_kms_does_not_sign_nothing_is_known(credvend: CredvendApp, kms: KmsServer) -> None:
    kms.aliases.clear()
    assert told("long")["Unknown"] == "not_signed"


def test_leases_are_asked_for_and_nothing_of_them_is_told(credvend: CredvendApp, sts: StsServer) -> None:
    assert told("brief")["Granted"] is True
    whole, before, cut = sts.asked
    assert (whole["Action"], before["Action"], cut["Action"]) == ("AssumeRole", "AssumeRole", "GetScopedCredentials")
    assert cut["DurationSeconds"] == "60" and cut["ScopedSessionDescription"] == "credvend-doctor"
    assert "NotAction" in before["Policy"]
