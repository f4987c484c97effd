"""The catalog's roles, spread over policies of limited size: all of them, no others, and no policy too large."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.errors import ConfigError
from chalicelib.roles.role import Role
from ops.documents.json_object import Json
from ops.environments import ROOT
from ops.iam.function_policy import assumable, iam_policy
from ops.iam.policy_size import characters
from ops.iam.revoker_policy import revocable, revoker_policy
from ops.template.role_policies import spread
from testing.iam_policy import Request, grants
from tests.unit.chalicelib.decisions.test_authorizer import role

DOCUMENTATION = " ".join((ROOT / "docs/catalog.md").read_text().split())
# As IAM's documentation has them, written out again.
INLINE, MANAGED = 10_240, 6_144
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:credvend-prod"


def catalog(*arns: str, role_path: str | None = None, managed_policies: int = 10) -> WrittenCatalog:
    return WrittenCatalog((), tuple(of(arn) for arn in arns), role_path, managed_policies)


def of(arn: str) -> Role:
    return replace(role("a"), name=f"r{abs(hash(arn))}", arn=arn)


def arn(name: str, account: int = 111122223333, path: str = "/team/") -> str:
    return f"arn:aws:iam::{account:012}:role{path}{name}"


def sixty(count: int) -> list[str]:
    """ARNs of 60 characters, as many companies have them."""
    arns = [f"arn:aws:iam::111122223333:role/team/service-{number:016}" for number in range(count)]
    assert {len(one) for one in arns} <= {60}
    return arns


def packaged(of_catalog: WrittenCatalog, attached: tuple[str, ...] = ()) -> Json:
    """A template as Chalice makes it, as far as the function's role is concerned."""
    properties: Json = {"Policies": [{"PolicyName": "ApiHandlerRolePolicy", "PolicyDocument": iam_policy(of_catalog)}]}
    if attached:
        properties["ManagedPolicyArns"] = list(attached)
    return {"Resources": {"ApiHandlerRole": {"Type": "AWS::IAM::Role", "Properties": properties}}}


def spread_over(of_catalog: WrittenCatalog, attached: tuple[str, ...] = ()) -> Json:
    template = packaged(of_catalog, attached)
    spread(template, of_catalog)
    return template


def documents(template: Json) -> tuple[Json, dict[str, Json]]:
    """The inline policy's document; and those of the managed policies that the role attaches, by logical id."""
    resources = cast(dict[str, dict[str, Json]], template["Resources"])
    function_role = resources["ApiHandlerRole"]["Properties"]
    (inline,) = cast(list[dict[str, Json]], function_role["Policies"])
    references = cast(list[dict[str, str] | str], function_role.get("ManagedPolicyArns", []))
    attached = [one["Ref"] for one in references if isinstance(one, dict)]
    assert set(attached) == resources.keys() - {"ApiHandlerRole"}
    return inline["PolicyDocument"], {
        name: cast(Json, resources[name]["Properties"]["PolicyDocument"]) for name in attached
    }


def statements(template: Json) -> Iterator[Json]:
    inline, managed = documents(template)
    for document in (inline, *managed.values()):
        yield from cast(list[Json], document["Statement"])


def resources_of(template: Json) -> list[str]:
    """All that sts:AssumeRole is granted on."""
    assume = [one for one in statements(template) if "sts:AssumeRole" in cast(list[str], one["Action"])]
    return [resource for one in assume for resource in cast(list[str], one["Resource"])]


def test_a_small_catalog_needs_no_managed_policy() -> None:
    small = catalog(*sixty(60))
    assert spread_over(small) == packaged(small)


@pytest.mark.parametrize(("count", "policies"), [(150, 1), (1000, 10)])
def test_a_catalog_too_large_for_one_policy_is_spread(count: int, policies: int) -> None:
    template = spread_over(catalog(*sixty(count)))
    inline, managed = documents(template)
    assert len(managed) <= policies and managed
    assert sorted(resources_of(template)) == sixty(count)
    assert characters(inline) <= INLINE and max(map(characters, managed.values())) <= MANAGED


def test_an_inline_policy_holds_10240_characters_and_not_one_more() -> None:
    arns = sixty(60)
    while characters(iam_policy(catalog(*arns, arn("x")))) <= INLINE - 60:
        arns.append(f"{sixty(1)[0][:-4]}{len(arns):04}")
    spare = INLINE - characters(iam_policy(catalog(*arns, arn("x"))))
    full, over = catalog(*arns, arn("x" * (1 + spare))), catalog(*arns, arn("x" * (2 + spare)))
    assert [characters(iam_policy(one)) for one in (full, over)] == [INLINE, INLINE + 1]
    assert documents(spread_over(full))[1] == {}
    assert len(documents(spread_over(over))[1]) == 1
    with pytest.raises(ConfigError, match="do not fit"):
        spread_over(replace(over, managed_policies=0))


def test_a_managed_policy_holds_6144_characters_and_not_one_more() -> None:
    arns = [arn(f"{number:04}", path=f"/{82 * 'p'}/") for number in range(200)]
    fits = next(count for count in range(200, 0, -1) if _fits(catalog(*arns[:count], managed_policies=1)))
    (managed,) = documents(spread_over(catalog(*arns[:fits], managed_policies=1)))[1].values()
    assert characters(managed) <= MANAGED
    # One character too many; whoever makes the statement longer or shorter chooses another length of path.
    (statement,) = cast(list[dict[str, list[str]]], managed["Statement"])
    statement["Resource"].append(arns[-1])
    assert characters(managed) == MANAGED + 1


def _fits(some: WrittenCatalog) -> bool:
    try:
        spread_over(some)
    except ConfigError:
        return False
    return True


def test_managed_policies_are_filled_to_their_last_character() -> None:
    most = _most(20)
    inline, managed = documents(spread_over(catalog(*sixty(most), managed_policies=20)))
    assert len(managed) == 20
    one_more = 60 + len('"",')
    sizes = [INLINE - characters(inline), *(MANAGED - characters(document) for document in managed.values())]
    assert all(0 <= left < one_more for left in sizes)


def _most(managed_policies: int) -> int:
    """How many roles of 60 characters fit."""
    low, high = 0, 20_000
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(catalog(*sixty(middle), managed_policies=managed_policies)):
            low = middle
        else:
            high = middle - 1
    return low


def test_the_documentation_tells_how_many_roles_fit() -> None:
    told = f"{_most(0):,} of them fit into the inline policy, {_most(10):,} with 10 managed policies"
    assert told in DOCUMENTATION and f"{_most(20):,} with 20" in DOCUMENTATION


def test_what_does_not_fit_is_refused_with_the_count_and_the_ways_out() -> None:
    with pytest.raises(ConfigError) as refused:
        spread_over(catalog(*sixty(2500)))
    (line,) = refused.value.problems
    for part in ("2,500 roles do not fit", "10 managed ones", "role_path: /credvend/", "fewer", "managed_policies: 20"):
        assert part in line
    with pytest.raises(ConfigError) as refused:
        spread_over(catalog(*sixty(2500), role_path="/other/", managed_policies=20))
    (line,) = refused.value.problems
    assert "below /other/" in line and "managed_policies" not in line


def test_policies_that_are_attached_already_count() -> None:
    taken = tuple(f"arn:aws:iam::aws:policy/p{number}" for number in range(9))
    large = catalog(*sixty(400))
    assert len(documents(spread_over(large))[1]) > 1
    with pytest.raises(ConfigError, match="9 more are attached already"):
        spread_over(large, taken)
    few = spread_over(catalog(*sixty(150)), taken)
    function_role = cast(dict[str, dict[str, Json]], few["Resources"])["ApiHandlerRole"]["Properties"]
    assert function_role["ManagedPolicyArns"] == [*taken, {"Ref": "CatalogRoles1"}]


def test_a_path_is_granted_once_an_account_and_roles_outside_of_it_one_by_one() -> None:
    inside = [arn(f"r{number}", account, "/credvend/") for account in range(1, 4) for number in range(5)]
    deeper, outside, looks_like_it = arn("x", 1, "/credvend/a/"), arn("y", 1, "/other/"), arn("credvend", 9, "/")
    mixed = catalog(*inside, deeper, outside, looks_like_it, role_path="/credvend/")
    paths = [f"arn:aws:iam::{account:012}:role/credvend/*" for account in range(1, 4)]
    assert assumable(mixed) == sorted([*paths, outside, looks_like_it])


def test_twenty_thousand_roles_below_a_path_need_no_managed_policy() -> None:
    arns = [arn(f"role-{number}", account, "/credvend/") for account in range(1, 41) for number in range(500)]
    large = catalog(*arns, role_path="/credvend/")
    assert spread_over(large) == packaged(large)


@pytest.mark.parametrize(("count", "most"), [(500, 2), (990, 5)])  # with 990, there is hardly any room left
def test_one_more_role_changes_few_policies(count: int, most: int) -> None:
    arns = sixty(count)
    before = documents(spread_over(catalog(*arns)))
    for change in ([*arns, arn("new")], arns[1:]):
        after = documents(spread_over(catalog(*change)))
        assert before[1].keys() == after[1].keys()
        changed = [name for name in before[1] if before[1][name] != after[1][name]]
        assert len(changed) + (before[0] != after[0]) <= most


def test_the_revoker_s_roles_are_spread_over_policies_of_its_own() -> None:
    large = catalog(*sixty(400))
    policies: list[object] = [{"PolicyDocument": revoker_policy(large, "operator")}]
    template: Json = {"Resources": {"RevokerRole": {"Properties": {"Policies": policies}}}}
    spread(template, large)
    resources = cast(dict[str, dict[str, Json]], template["Resources"])
    managed = [name for name in resources if name != "RevokerRole"]
    assert managed and all(name.startswith("RevocableRoles") for name in managed)
    assert resources["RevokerRole"]["Properties"]["ManagedPolicyArns"] == [{"Ref": name} for name in managed]
    names = [cast(Json, resources[name]["Properties"]["ManagedPolicyName"])["Fn::Sub"] for name in managed]
    assert names[0] == "${AWS::StackName}-${AWS::Region}-revocable-roles-1"  # none of the other function's
    granted: list[str] = []
    for document in [policies[0], *(resources[name]["Properties"] for name in managed)]:
        inner = cast(dict[str, Json], document)["PolicyDocument"]
        assert characters(inner) <= INLINE
        for statement in cast(list[Json], inner["Statement"]):
            writes = statement["Effect"] == "Allow" and "iam:PutRolePolicy" in str(statement)
            granted += cast(list[str], statement["Resource"]) if writes else []
    assert sorted(granted) == revocable(large)


def test_the_order_of_the_catalog_makes_no_difference() -> None:
    assert spread_over(catalog(*sixty(300))) == spread_over(catalog(*reversed(sixty(300))))


def test_no_full_template_is_too_large_for_a_bucket() -> None:
    """1 MB: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
    template = spread_over(catalog(*sixty(_most(20)), managed_policies=20))
    assert len(json.dumps(template, indent=4)) < 900_000  # `aws cloudformation package` indents by four


names = st.text(st.sampled_from("abcXYZ019_+=,.@-"), min_size=1, max_size=64)
paths = st.lists(names, max_size=3).map(lambda parts: "".join(f"/{part}" for part in ["", *parts])[1:] + "/")
role_arns = st.builds(arn, names, st.integers(0, 5), paths)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(role_arns, unique=True, max_size=40),
    st.integers(0, 400),
    st.sampled_from([None, "/a/", "/team/"]),
    st.integers(0, 20),
    st.lists(role_arns, max_size=20),
)
def test_any_catalogs_roles_are_granted_and_no_others(
    arns: list[str], more: int, role_path: str | None, managed_policies: int, strangers: list[str]
) -> None:
    some = catalog(*arns, *sixty(more), role_path=role_path, managed_policies=managed_policies)
    try:
        template = spread_over(some)
    except ConfigError:
        assert characters(iam_policy(some)) > INLINE
        return
    inline, managed = documents(template)
    assert characters(inline) <= INLINE and len(managed) <= managed_policies
    assert all(characters(document) <= MANAGED for document in managed.values())
    granted = resources_of(template)
    assert sorted(granted) == assumable(some)  # each once
    assert all("*" not in one for one in granted) or role_path is not None
    policy: Json = {"Statement": [_resolved(one) for one in statements(template)]}
    listed = {one.arn for one in some.roles}
    accounts = {one.account for one in some.roles if role_path and one.arn.split(":role")[1].startswith(role_path)}
    for wanted in {*arns[:5], *strangers}:
        below = role_path is not None and wanted.split(":role")[1].startswith(role_path)
        expected = wanted in listed or (below and wanted.split(":")[4] in accounts)
        asked = Request("sts:AssumeRole", wanted, {"lambda:sourcefunctionarn": FUNCTION})
        assert grants(policy, asked) is expected


def _resolved(node: object) -> object:
    """As CloudFormation resolves it."""
    text = json.dumps(node)
    for name, value in (("Partition", "aws"), ("Region", "eu-west-1"), ("AccountId", "111122223333")):
        text = text.replace(f"${{AWS::{name}}}", value)
    text = text.replace("${AWS::StackName}", "credvend-prod")
    return json.loads(text, object_hook=lambda one: one.get("Fn::Sub") or one.get("Fn::GetAtt", [one])[0] or one)
