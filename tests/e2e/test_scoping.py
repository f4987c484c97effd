"""One role for many tenants, at the deployed service: each has its own prefix of a bucket, and nothing of the others'.

The local AWS expands no variables in policies: to it, the escape `${*}` is a text with a wildcard in it. So what a
tenant called `*` has of its own cannot be seen here; tests/security/test_scoping_attacks.py asks an evaluator for that.
What it does not have of others can be seen, for `${*}` matches more here than with AWS, where it is one character.
"""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT
from testing.deployed import Answer, Json, Key, Stack

BUCKET = "tenant-data"
HOSTILE = (
    "*",
    "a*",
    "?",
    "../b",
    "${aws:username}",
    '"},{"Effect":"Allow","Action":"*","Resource":"*"',
    "a/../b",
    "*/",
    "b/",
    "/",
)
# Two roles by a claim, one with a pattern; one by a param. Both patterns are `.+`.
ROLES = ("by-claim", "by-claim-too", "by-param")


def vend(stack: Stack, role: str, tenant: str, **more: object) -> Answer:
    """Ask for a role as somebody of that tenant: by their token where the role goes by it, else as they say."""
    if role == "by-param":
        return stack.vend({"role": role, "params": {"tenant": tenant}} | more)
    token = stack.oidc.sign(stack.oidc.claims("somebody") | {"tenant": tenant})
    return stack.present(token, "POST", "/v1/credentials", json.dumps({"role": role} | more).encode())


@pytest.fixture(scope="module")
def tenants(stack: Stack) -> Iterator[Stack]:
    """The stack, with an object of each of two tenants in the bucket."""
    for tenant in ("a", "b"):
        stack.s3().put_object(Bucket=BUCKET, Key=f"{tenant}/secret", Body=tenant.encode())
    yield stack


def reads(stack: Stack, key: Key, path: str) -> bool:
    """Whether an object can be read."""
    try:
        return bool(stack.s3(key).get_object(Bucket=BUCKET, Key=path)["Body"].read())
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
        return False


def lists(stack: Stack, key: Key, prefix: str | None) -> bool:
    """Whether a prefix can be listed, or, without one, the bucket."""
    try:
        stack.s3(key).list_objects_v2(Bucket=BUCKET, **({} if prefix is None else {"Prefix": prefix}))
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
        return False
    return True


def writes(stack: Stack, key: Key, path: str) -> bool:
    """Whether an object can be written."""
    try:
        stack.s3(key).put_object(Bucket=BUCKET, Key=path, Body=b"x")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
        return False
    return True


def seen(stack: Stack, key: Key) -> list[str]:
    """What can be read and listed of the tenants `a` and `b`."""
    beyond = [f"read {path}" for path in ("a/secret", "b/secret") if reads(stack, key, path)]
    beyond += [f"list {prefix}" for prefix in (None, "", "a", "a/", "b", "b/") if lists(stack, key, prefix)]
    return beyond


def test_the_role_itself_may_do_all_that_its_scoping_keeps_from_tenants(tenants: Stack) -> None:
    """Else the tests below would prove nothing."""
    key = tenants.vend({"role": "unscoped"}).key
    assert len(seen(tenants, key)) == 8 and writes(tenants, key, "c/x")


@pytest.mark.parametrize("role", ROLES)
def test_a_tenant_has_its_own_prefix_and_nothing_of_another(tenants: Stack, role: str) -> None:
    for mine, other in (("a", "b"), ("b", "a")):
        answer = vend(tenants, role, mine)
        assert answer.status == 200, answer.text
        key = answer.key
        assert reads(tenants, key, f"{mine}/secret") and writes(tenants, key, f"{mine}/new")
        assert not reads(tenants, key, f"{other}/secret") and not writes(tenants, key, f"{other}/new")
        found = tenants.s3(key).list_objects_v2(Bucket=BUCKET, Prefix=f"{mine}/")["Contents"]
        assert f"{mine}/secret" in [one["Key"] for one in found]
        assert seen(tenants, key) == [f"read {mine}/secret", f"list {mine}/"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("tenant", HOSTILE)
def test_a_tenant_with_a_hostile_name_gains_nothing(tenants: Stack, role: str, tenant: str) -> None:
    answer = vend(tenants, role, tenant)
    # Two of the roles let colons in, to show that these would gain nothing either.
    if "/" in tenant or (":" in tenant and role == "by-claim"):
        assert answer.status == 400 and "may not hold `" in str(answer.body["Message"])
        assert tenant == "/" or tenant not in str(answer.body["Message"])
        return
    assert answer.status == 200, answer.text
    assert seen(tenants, answer.key) == []


def test_a_name_of_a_tenant_that_only_looks_like_json_is_one(tenants: Stack) -> None:
    """It holds no `/` and no wildcard, so that even the local AWS knows what it means."""
    tenant = '"},{"Effect":"Allow"'
    key = vend(tenants, "by-claim-too", tenant).key
    assert writes(tenants, key, f"{tenant}/new") and reads(tenants, key, f"{tenant}/new")
    assert seen(tenants, key) == []


def test_a_claim_that_is_missing_is_told_and_nothing_is_vended(tenants: Stack) -> None:
    answer = tenants.vend({"role": "by-claim"})
    assert answer.status == 400 and answer.body["Message"] == (
        "Sessions of role by-claim are shaped by ${claims.tenant}, which has no value for you: "
        "your identity does not tell it."
    )
    assert [record["event"] for record in tenants.records(answer)] == ["credentials.denied"]


def test_several_tenants_are_none(tenants: Stack) -> None:
    token = tenants.oidc.sign(tenants.oidc.claims("somebody") | {"tenant": ["a", "b"]})
    answer = tenants.present(token, "POST", "/v1/credentials", b'{"role": "by-claim"}')
    assert answer.status == 400 and "has several values for you, and one is needed" in str(answer.body["Message"])


def document(effect: str, *resources: str, action: str = "s3:*") -> Json:
    statement = {"Effect": effect, "Action": action, "Resource": list(resources) or "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize("role", [*ROLES, "by-managed-policy"])
def test_an_allow_beside_the_roles_own_scoping_is_refused_with_the_reason(tenants: Stack, role: str) -> None:
    def ask(policy: Json) -> Answer:
        if role == "by-managed-policy":
            return tenants.vend({"role": role, "policy": policy})
        return vend(tenants, role, "a", policy=policy)

    smuggled = document("Deny", "arn:aws:s3:::tenant-data/a/*")
    smuggled["Statement"] = [*document("Deny")["Statement"], *document("Allow")["Statement"]]  # type: ignore[misc]
    for policy, place in ((document("Allow"), 0), (smuggled, 1)):
        answer = ask(policy)
        assert answer.status == 400 and answer.body["Message"] == (
            f'Field "policy": Statement[{place}].Effect must be "Deny", because role {role} has a scoping policy of '
            "its own, beside which an Allow would widen the session."
        )


def test_a_denial_beside_the_roles_own_scoping_works(tenants: Stack) -> None:
    denial = document("Deny", "arn:aws:s3:::tenant-data/a/secret", action="s3:GetObject")
    key = vend(tenants, "by-claim", "a", policy=denial).key
    assert not reads(tenants, key, "a/secret") and writes(tenants, key, "a/new") and reads(tenants, key, "a/new")
    assert not reads(tenants, key, "b/secret")
    managed = {"role": "by-managed-policy"}
    assert reads(tenants, tenants.vend(managed).key, "a/secret")
    assert not reads(tenants, tenants.vend(managed).key, "b/secret")
    assert not reads(tenants, tenants.vend(managed | {"policy": denial}).key, "a/secret")


def test_an_allow_narrows_a_role_without_scoping(tenants: Stack) -> None:
    policy = document("Allow", "arn:aws:s3:::tenant-data/a/*", action="s3:GetObject")
    policy["Statement"] = [*policy["Statement"], *document("Allow", action="ec2:DescribeInstances")["Statement"]]  # type: ignore[misc]
    key = tenants.vend({"role": "unscoped", "policy": policy}).key
    assert seen(tenants, key) == ["read a/secret"] and not writes(tenants, key, "a/new")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):  # which the role does not have
        tenants.ec2(key).describe_instances()


@pytest.mark.parametrize("role", ["by-claim", "unscoped"])
def test_a_policy_that_is_too_long_is_told_by_how_much(tenants: Stack, role: str) -> None:
    long = document("Deny", "arn:aws:s3:::" + "x" * 2048)
    answer = (
        vend(tenants, role, "a", policy=long) if role == "by-claim" else tenants.vend({"role": role, "policy": long})
    )
    message = str(answer.body["Message"])
    assert answer.status == 400 and "more than the 2048 that STS takes" in message
    characters, over = (int(word) for word in message.split() if word.isdigit() and word != "2048")
    assert characters == 2048 + over


def test_params_and_tags_that_a_role_does_not_take_widen_nothing(tenants: Stack) -> None:
    for more in ({"params": {"tenant": "b"}}, {"tags": {"Tenant": "b"}}, {"tags": {"credvend:caller": "b"}}):
        answer = vend(tenants, "by-claim", "a", **more)
        assert answer.status == 400 and "by-claim" in str(answer.body["Message"])
    for key in ("Tenant", "tenant", "credvend:role", "aws:PrincipalTag/Tenant"):
        assert vend(tenants, "by-tag", "b", tags={key: "a"}).status == 400


def test_rights_hang_on_the_tags_of_role_and_caller(tenants: Stack) -> None:
    """The role's own rights are for the tag Tenant `a`, and for the tag Project `x`, which callers may set."""
    for tenant, project, may_read, may_look in (
        ("a", None, True, False),
        ("b", "x", False, True),
        ("b", "y", False, False),
    ):
        key = vend(tenants, "by-tag", tenant, tags={} if project is None else {"Project": project}).key
        assert reads(tenants, key, "a/secret") == may_read
        try:
            tenants.ec2(key).describe_instances()
            assert may_look
        except ClientError as error:
            assert not may_look and error.response["Error"]["Code"] == "UnauthorizedOperation"


def test_transitive_tags_are_sent_where_they_are_set(tenants: Stack) -> None:
    for tags, transitive in (({}, ["Tenant"]), ({"Project": "x"}, ["Tenant", "Project"])):
        _, vended = tenants.records(vend(tenants, "by-tag", "a", tags=tags))
        assert vended["event"] == "credentials.vended"
        assert vended["transitive_tags"] == ["credvend:caller", "credvend:request", *transitive]


@pytest.mark.parametrize("tenant", ["*", "a*", "?", "${aws:username}", '"', "a\\"])
def test_a_hostile_tenant_is_no_tag(tenants: Stack, tenant: str) -> None:
    answer = vend(tenants, "by-tag", tenant)
    assert answer.status == 400 and "The value of tag 'Tenant' holds a character" in str(answer.body["Message"])


def test_a_role_that_one_may_not_have_does_not_tell_what_it_would_take(tenants: Stack) -> None:
    """Not even by the order of checks: to the caller, a forbidden role and none at all are the same."""
    more: Json = {"params": {"x": "y"}, "tags": {"a": "*"}, "policy": document("Allow")}
    texts = set()
    for role in ("forbidden", "nowhere", f"arn:aws:iam::{ACCOUNT}:role/tenants/nowhere"):
        answer = tenants.vend({"role": role} | more)
        assert answer.status == 403
        texts.add(answer.text.replace(str(answer.body["RequestId"]), ""))
    assert len(texts) == 1
