"""The mapping from callers to session names, over arbitrary callers."""

import re
from dataclasses import astuple
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.session_name import session_name
from ops.environments import ROOT

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DOCUMENT = (ROOT / "docs/sessions.md").read_text()
# What STS takes: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
STS = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")

# Few characters, the separators among them, so that near-collisions are tried often; and any text at all.
names = (
    st.text("ab=@-,", min_size=0, max_size=6)
    | st.text(max_size=80)
    | st.from_regex(r"[\w+=,.@-]{1,64}", fullmatch=True)
)
accounts = st.sampled_from(["111122223333", "444455556666"]) | st.text("1=@-cn", max_size=14)
partitions = st.sampled_from(["aws", "aws-cn", "aws-us-gov", "", "cn"])
paths = st.sampled_from(["/", "/team/", "/a=b@/"])
ids = st.just("AIDA")

# Subjects of the issuers that are known, near-collisions of their parts among them.
pieces = st.text("ab:/_@.", max_size=5) | st.sampled_from(["main", "ref:main", "branch:ref:main", "a" * 40, "a" * 39])
subjects = st.one_of(
    st.builds("{}{}:{}".format, st.sampled_from(["system:serviceaccount:", "repo:", "project_path:"]), pieces, pieces),
    st.builds("project_path:{}:ref_type:{}:ref:{}".format, pieces, st.sampled_from(["branch", "tag"]), pieces),
    st.builds("repo:{}:ref:refs/{}/{}".format, pieces, st.sampled_from(["heads", "tags"]), pieces),
    st.builds("arn:aws:iam::{}:role/{}/{}".format, pieces, pieces, pieces),
)

callers: st.SearchStrategy[Caller] = st.one_of(
    st.builds(IamUser, partitions, accounts, paths, names, ids),
    st.builds(IamRoleSession, partitions, accounts, names, names, ids),
    st.builds(FederatedUser, partitions, accounts, names, ids),
    st.builds(ServiceToken, names, ids),
    st.builds(OidcSubject, st.sampled_from(["okta", "git.hub", "a-b_c"]), names | subjects),
)


def fields_of(caller: Caller) -> tuple[object, ...]:
    return astuple(cast("DataclassInstance", caller))  # each kind is one


@given(callers)
def test_every_session_name_is_one_that_sts_takes(caller: Caller) -> None:
    assert STS.fullmatch(session_name(caller))


@given(callers)
def test_a_caller_always_gets_the_same_name(caller: Caller) -> None:
    again = type(caller)(*fields_of(caller))
    assert session_name(again) == session_name(caller)


@given(callers, callers)
@example(
    IamRoleSession("aws", "111122223333", "a", "b=c", "x"),
    IamRoleSession("aws", "111122223333", "a=b", "c", "x"),
)
@example(IamUser("aws", "111122223333", "/", "a", "x"), IamUser("aws", "111122223333", "/team/", "a", "x"))
@example(IamUser("aws", "111122223333", "/", "a", "x"), IamUser("aws-cn", "111122223333", "/", "a", "x"))
@example(IamUser("aws", "111122223333", "/", "é", "x"), IamUser("aws", "111122223333", "/", "_", "x"))
@example(FederatedUser("aws", "111122223333", "a", "x"), IamUser("aws", "111122223333", "/", "a", "x"))
@example(OidcSubject("okta", "a=b"), OidcSubject("okta", "a=b@"))
@example(OidcSubject("okta", "é"), OidcSubject("okta", "_"))
def test_two_callers_never_share_a_name(one: Caller, other: Caller) -> None:
    assume((type(one), fields_of(one)) != (type(other), fields_of(other)))
    assert session_name(one) != session_name(other)


@given(st.lists(callers, min_size=2, max_size=60))
def test_names_are_as_many_as_callers(many: list[Caller]) -> None:
    identities = {(type(c).__name__, *fields_of(c)) for c in many}
    assert len({session_name(c) for c in many}) == len(identities)


RECOGNISED = {
    ("eks", "system:serviceaccount:reports:runner"): "reports_runner@eks",
    ("k", "system:serviceaccount:payments-production:settlement-worker-of-today"): "payment..uction_settlem..-today",
    ("gitlab", "project_path:acme/app:ref_type:branch:ref:main"): "acme_app_main@gitlab",
    ("gitlab", "project_path:acme/app:ref_type:tag:ref:v1.2"): "acme_app_tag_v1.2@gitlab",
    ("gitlab", "project_path:acme/app:environment:prod"): "acme_app_environment_prod@gitlab",
    (
        "gitlab",
        f"project_path:acme/{'x' * 40}/data-pipelines:ref_type:branch:ref:main",
    ): "acme_xxxxxxxx..ta-pipelines_main",
    ("github", "repo:acme/app:ref:refs/heads/main"): "acme_app_main@github",
    ("github", "repo:acme/app:ref:refs/tags/v1"): "acme_app_tags_v1@github",
    ("github", "repo:acme@1/app@2:ref:refs/heads/main"): "acme@1_app@2_main@github",
    ("github", "repo:acme/app:pull_request"): "acme_app_pull_request@github",
    ("github", "repo:acme/app:environment:production"): "acme_app_environment_production",
    ("aws", "arn:aws:iam::111122223333:role/data/Export"): "Export_111122223333@aws",
}
# As they were before any subject's form was known: CloudTrail is searched for them.
UNCHANGED = [
    (OidcSubject("okta", "alice smith"), "oidc-alice_smith@okta-bebhewkvyr7nyitiusevq5vj2w"),
    (OidcSubject("okta", "x" * 80), f"oidc-{'x' * 32}-smsgbeq57zuq3oyoketaj2clwz"),
    (OidcSubject("okta", "a/b:ref:refs/heads/main"), "oidc-a_b_ref_refs_heads_main@okta-tle6p6kk6fylsj5c2ahodfvcqx"),
    (
        OidcSubject("entra", "organization:acme:project:p:workspace:w"),
        "oidc-organization_acme_project_p_work-v3pc6ghhme2ocxlga7vsi6rf4o",
    ),
    (IamUser("aws", "111122223333", "/team/", "alice", "A"), "user-alice-dvaugvkjli7yxg5uxhmfabib44"),
    (ServiceToken("a b", "o"), "token-a_b-xx64bvx6eg4itgztra7xflmvxe"),
]


@pytest.mark.parametrize(("issuer", "subject"), RECOGNISED)
def test_a_subject_of_a_known_form_shows_what_tells_it_apart(issuer: str, subject: str) -> None:
    name = session_name(OidcSubject(issuer, subject))
    assert re.fullmatch(rf"oidc-{re.escape(RECOGNISED[issuer, subject])}-[a-z2-7]{{26}}", name), name


@pytest.mark.parametrize(("caller", "name"), UNCHANGED)
def test_any_other_caller_is_called_what_it_was_called(caller: Caller, name: str) -> None:
    assert session_name(caller) == name


def test_the_hash_is_of_the_whole_subject() -> None:
    ones = ("system:serviceaccount:a:b", "repo:a:ref:refs/heads/b", "repo:a:b", "project_path:a:b", "a_b")
    names = {session_name(OidcSubject("k", subject)).rpartition("-")[2] for subject in ones}
    assert len(names) == len(ones)


def test_the_names_in_the_document_are_those_that_sessions_get() -> None:
    rows = re.findall(r"^\| `([^`]+)` of (?:issuer )?`(\w+)` \| `([^`]+)` \|$", DOCUMENT, re.MULTILINE)
    assert len(rows) == 4
    for subject, issuer, name in rows:
        assert session_name(OidcSubject(issuer, subject)) == name


def test_names_are_readable_where_they_fit() -> None:
    assert session_name(IamUser("aws", "111122223333", "/", "alice", "AIDA")) == "user=alice@111122223333"
    role = IamRoleSession("aws-us-gov", "111122223333", "Dev", "alice@example.com", "AROA")
    assert session_name(role) == "role=Dev=alice@example.com@111122223333-us-gov"


def test_a_name_that_was_cut_still_begins_with_what_people_recognise() -> None:
    sso = IamRoleSession(
        "aws", "111122223333", "AWSReservedSSO_AdministratorAccess_0123456789abcdef", "alice@example.com", "A"
    )
    assert re.fullmatch(r"role-alice@example\.com@AWSReservedS[\w]*-[a-z2-7]{26}", session_name(sso))
    assert len(session_name(sso)) == 64
    assert f"`{session_name(sso)}`" in DOCUMENT
