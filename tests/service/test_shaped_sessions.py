"""Sessions shaped by the catalog and the request: what STS is asked for, and what is refused before."""

import json

import pytest

from testing.app import ACCOUNT, REQUEST_ID, CredvendApp
from testing.sts_server import Refusal, tags_of

# Those that each session takes with it, so that what it becomes can be revoked.
OWN = ["credvend:caller", "credvend:request"]
DENY = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(*statements: object, **more: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)} | more


def sent_policy(credvend: CredvendApp) -> object:
    """The policy that STS was asked for last."""
    return json.loads(credvend.sts.asked[-1]["Policy"])


def own_statement(tenant: str = "acme", area: str = "public") -> dict[str, str]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::data/{tenant}/{area}/*"}


def test_every_session_of_a_scoped_role_gets_its_policy_with_the_values_in_it(credvend: CredvendApp) -> None:
    assert credvend.vend({"role": "tenant", "params": {"tenant": "acme", "area": "billing"}}).status == 200
    (asked,) = credvend.sts.asked
    assert sent_policy(credvend) == document(own_statement("acme", "billing"))
    assert asked["PolicyArns.member.1.arn"] == "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    assert " " not in asked["Policy"] and asked["Policy"].isascii()


def test_a_param_that_is_not_given_has_its_default(credvend: CredvendApp) -> None:
    credvend.vend({"role": "tenant", "params": {"tenant": "acme"}})
    assert sent_policy(credvend) == document(own_statement("acme", "public"))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "Param tenant is required for role tenant"),
        ({"tenant": ""}, "Param tenant must match .+ for role tenant"),
        ({"tenant": "x" * 257}, "Param tenant must match"),
        ({"tenant": "a\nb"}, "Param tenant must match"),
        ({"tenant": "a", "area": "A"}, "Param area must match [a-z]+"),
        ({"tenant": "a", "area": "a/b"}, "Param area must match [a-z]+"),
        ({"tenant": "a", "Area": "b"}, "Param 'Area' is not one of role tenant: tenant, area."),
    ],
)
def test_params_that_do_not_fit_are_refused_by_name(credvend: CredvendApp, params: dict[str, str], words: str) -> None:
    answer = credvend.vend({"role": "tenant", "params": params})
    assert answer.status == 400 and words in str(answer.body["Message"])
    assert credvend.sts.asked == []


def test_a_role_without_params_takes_none(credvend: CredvendApp) -> None:
    answer = credvend.vend({"role": "reader", "params": {"tenant": "a"}})
    assert answer.status == 400 and "Role reader takes no params." in str(answer.body["Message"])


def test_a_forbidden_role_does_not_tell_what_it_would_take(credvend: CredvendApp) -> None:
    shaped = {"params": {"x": "y"}, "tags": {"a": "b"}, "policy": document(ALLOW)}
    forbidden, unknown = (credvend.vend({"role": role} | shaped) for role in ("forbidden", "unknown"))
    assert forbidden.status == 403 and forbidden.body == unknown.body


@pytest.mark.parametrize("policy", [document(ALLOW), document(DENY, ALLOW), {"Statement": ALLOW, "Id": "mine"}])
def test_a_role_without_scoping_takes_any_policy_as_it_is(credvend: CredvendApp, policy: dict[str, object]) -> None:
    assert credvend.vend({"role": "reader", "policy": policy}).status == 200
    assert credvend.sts.asked[-1]["Policy"] == json.dumps(policy, separators=(",", ":"))


@pytest.mark.parametrize("role", ["tenant", "listed"])
def test_beside_a_roles_own_scoping_an_allow_is_refused(credvend: CredvendApp, role: str) -> None:
    params = {"tenant": "acme"} if role == "tenant" else {}
    answer = credvend.vend({"role": role, "params": params, "policy": document(DENY, ALLOW)})
    assert answer.status == 400 and credvend.sts.asked == []
    assert 'Statement[1].Effect must be "Deny"' in str(answer.body["Message"])
    assert "would widen the session" in str(answer.body["Message"])


def test_beside_a_roles_own_scoping_denials_are_appended(credvend: CredvendApp) -> None:
    asked = {"role": "tenant", "params": {"tenant": "acme"}, "policy": document(DENY | {"Sid": "Mine"})}
    assert credvend.vend(asked).status == 200
    assert sent_policy(credvend) == document(own_statement(), DENY)


def test_beside_managed_policies_denials_stand_alone(credvend: CredvendApp) -> None:
    assert credvend.vend({"role": "listed", "policy": document(DENY)}).status == 200
    assert sent_policy(credvend) == document(DENY)


def test_a_policy_of_an_older_version_is_not_mixed_with_the_roles_own(credvend: CredvendApp) -> None:
    for version in ({}, {"Version": "2008-10-17"}):
        policy = {"Statement": [DENY]} | version
        answer = credvend.vend({"role": "tenant", "params": {"tenant": "a"}, "policy": policy})
        assert answer.status == 400 and 'Version must be "2012-10-17"' in str(answer.body["Message"])


@pytest.mark.parametrize(
    "written", ["${params.tenant}", "${param.tenant}", "${ Claims: tenant}", "$(claims.tenant)", "{caller.name}"]
)
def test_a_placeholder_in_a_callers_denial_is_not_sent_where_it_would_deny_nothing(
    credvend: CredvendApp, written: str
) -> None:
    policy = document(DENY | {"Resource": f"arn:aws:s3:::data/{written}/*"})
    answer = credvend.vend({"role": "tenant", "params": {"tenant": "a"}, "policy": policy})
    assert answer.status == 400 and "write the value out" in str(answer.body["Message"])


@pytest.mark.parametrize(
    ("policy", "place"),
    [
        ({}, "Statement must be"),
        (document(), "Statement must be"),
        (document("x"), "Statement[0] must be an object"),
        (document(ALLOW | {"Principal": "*"}), "Statement[0] must not have an element 'Principal'"),
        (document(ALLOW | {"effect": "Allow"}), "Statement[0] must not have an element 'effect'"),
        (document(ALLOW | {"Effect": "allow"}), 'Statement[0].Effect must be "Allow" or "Deny"'),
        (document(ALLOW | {"NotAction": "x"}), "Statement[0] must have either Action or NotAction"),
        (document({"Effect": "Allow", "Action": "*"}), "Statement[0] must have either Resource or NotResource"),
        (document(ALLOW | {"Resource": []}), "Statement[0].Resource must be a text"),
        (document(ALLOW | {"Condition": {"Bool": {"a": {}}}}), "Statement[0].Condition.'Bool'.'a' must be a value"),
        (document(ALLOW, Version="2012"), "Version must be"),
    ],
)
def test_a_malformed_policy_is_told_by_its_place(credvend: CredvendApp, policy: object, place: str) -> None:
    answer = credvend.vend({"role": "reader", "policy": policy})
    assert answer.status == 400 and f'Field "policy": {place}' in str(answer.body["Message"])


def test_a_policy_that_is_too_long_is_told_by_how_much(credvend: CredvendApp) -> None:
    policy = document(ALLOW | {"Resource": "x" * 2048})
    answer = credvend.vend({"role": "reader", "policy": policy})
    length = len(json.dumps(policy, separators=(",", ":")))
    assert answer.status == 400
    assert f"{length} characters without white space, {length - 2048} more than the 2048" in str(answer.body["Message"])
    exact = document(ALLOW | {"Resource": "x" * (2048 - (length - 2048))})
    assert credvend.vend({"role": "reader", "policy": exact}).status == 200


def test_a_policy_that_sts_finds_malformed_is_the_callers_fault_only_if_they_sent_one(credvend: CredvendApp) -> None:
    for more, status in (({"policy": document(DENY)}, 400), ({}, 502)):
        credvend.sts.refusals[:] = [Refusal("MalformedPolicyDocument", "Syntax errors in policy.", 400)]
        assert credvend.vend({"role": "listed"} | more).status == status


def test_tags_are_the_services_the_roles_and_those_that_the_caller_may_set(credvend: CredvendApp) -> None:
    tags = {"Project": "Grüße 7", "Cost Center": ""}
    assert credvend.vend({"role": "tenant", "params": {"tenant": "a"}, "tags": tags}).status == 200
    (asked,) = credvend.sts.asked
    assert tags_of(asked) == {
        "credvend:caller": f"arn:aws:iam::{ACCOUNT}:user/alice",
        "credvend:request": REQUEST_ID,
        "credvend:role": "tenant",
        "Owner": "alice",
        "Environment": "test",
        "Project": "Grüße 7",
        "Cost Center": "",
    }
    assert [asked[f"TransitiveTagKeys.member.{n}"] for n in range(1, 5)] == [*OWN, "Project", "Environment"]


def test_only_tags_that_are_there_can_be_transitive(credvend: CredvendApp) -> None:
    credvend.vend({"role": "tenant", "params": {"tenant": "a"}})
    asked = credvend.sts.asked[-1]
    assert asked["TransitiveTagKeys.member.3"] == "Environment" and "TransitiveTagKeys.member.4" not in asked


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Team": "x"}, "Tag 'Team' is not one that callers may set for role tenant: Project, Cost Center."),
        ({"project": "x"}, "Tag 'project' is not one"),
        ({"Owner": "x"}, "Tag 'Owner' is not one"),
        ({"credvend:caller": "x"}, "Tag 'credvend:caller' is not one"),
        ({"Project": "x" * 257}, "The value of tag 'Project' has 257 characters, and STS takes 256"),
        ({"Project": "a*b"}, "The value of tag 'Project' holds a character that STS does not take"),
        ({"Project": "a\u2028b"}, "holds a character that STS does not take"),
    ],
)
def test_a_tag_that_the_role_or_sts_does_not_take_is_refused(
    credvend: CredvendApp, tags: dict[str, str], words: str
) -> None:
    answer = credvend.vend({"role": "tenant", "params": {"tenant": "a"}, "tags": tags})
    assert answer.status == 400 and words in str(answer.body["Message"])
    assert credvend.sts.asked == []


def test_a_dry_run_shows_how_the_session_would_be_shaped(credvend: CredvendApp) -> None:
    answer = credvend.vend({"role": "tenant", "params": {"tenant": "acme"}, "tags": {"Project": "x"}, "dry_run": True})
    assert answer.body["Policy"] == document(own_statement())
    assert answer.body["PolicyArns"] == ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    assert answer.body["TransitiveTagKeys"] == [*OWN, "Project", "Environment"]
    assert isinstance(answer.body["Tags"], dict) and answer.body["Tags"]["Owner"] == "alice"


def test_the_list_of_roles_tells_what_a_request_may_hold(credvend: CredvendApp) -> None:
    roles = credvend.call("GET", "/v1/iam/roles").body["Roles"]
    assert isinstance(roles, list)
    (tenant,) = [role for role in roles if role["Role"] == "tenant"]
    assert tenant["CallerTags"] == ["Project", "Cost Center"]
    assert tenant["Params"] == [
        {"Name": "tenant", "Pattern": ".+", "Description": "", "Required": True},
        {
            "Name": "area",
            "Pattern": "[a-z]+",
            "Description": "A part of the tenant's data.",
            "Required": False,
            "Default": "public",
        },
    ]


def test_what_is_sent_to_sts_is_on_record(credvend: CredvendApp) -> None:
    credvend.vend({"role": "tenant", "params": {"tenant": "acme"}, "tags": {"Project": "x"}})
    requested, vended = credvend.records()
    assert requested["session_policy"] == vended["session_policy"] == credvend.sts.asked[-1]["Policy"]
    assert vended["session_policy_arns"] == ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    assert vended["params"] == {"tenant": "acme"} and vended["requested_tags"] == {"Project": "x"}
    assert vended["transitive_tags"] == [*OWN, "Project", "Environment"]
