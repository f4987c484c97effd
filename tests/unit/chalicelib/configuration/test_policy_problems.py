"""Every problem of a policy is told at once, each with the line on which it stands."""

from pathlib import Path

import pytest

from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.source import read_source
from testing.policies import HOME, configuration_directory, problems

SEVERAL = """@id("p")
forbid (
  principal is OidcSubject in OidcIssuer::"otka",
  action,
  resource == Role::"raeder"
)
when {
  principal.hasTag("taem") &&
  resource in RoleGroup::"nobody" &&
  (context.duration > 900 && principal.issuer
     == "gihub")
}
unless {
  resource.account != "999988887777" ||
  !(principal in OidcGroup::"github:dev")
};
"""


def test_every_problem_of_a_policy_is_told_with_its_line(tmp_path: Path) -> None:
    found = problems(tmp_path, SEVERAL)
    wanted = [
        'OidcIssuer::"otka" (line 3) is not in issuers.yaml',
        'Role::"raeder" (line 5) is not in the catalog',
        'RoleGroup::"nobody" (line 9) is not a group of any role',
        'OidcGroup::"github:dev" (line 15) has no members',
        'it can never apply: `principal.hasTag("taem")` (line 8) is never true',
        'it can never apply: `principal.issuer == "gihub"` (line 10) is never true',
        'it can never apply: `resource.account != "999988887777"` (line 14) is always true',
    ]
    assert len(found) == len(wanted)
    for line, words in zip(found, wanted, strict=True):
        assert line.startswith(f"policies/a.cedar: policy p (line 1): {words}"), line


def test_parts_that_contradict_each_other_alone_are_told_once(tmp_path: Path) -> None:
    policy = '@id("p") forbid (principal, action, resource)\nwhen { principal is IamUser && principal is IamRole };'
    (found,) = problems(tmp_path, policy)
    assert found == (
        "policies/a.cedar: policy p (line 1): it can never apply: `principal is IamRole` (line 2) is never true "
        "where `principal is IamUser` (line 2) is"
    )


def test_what_a_scope_contradicts_is_told_as_such(tmp_path: Path) -> None:
    policy = f"""@id("p") forbid (principal in Account::"{HOME}", action, resource)
when {{ principal is OidcSubject && context.duration > 900 }};"""
    (found,) = problems(tmp_path, policy)
    assert (
        "it can never apply: `principal is OidcSubject` (line 2) is never true where `principal in Account::" in found
    )


def test_several_things_that_do_not_fit_the_schema_are_told_with_what_is_not_there(tmp_path: Path) -> None:
    policy = """@id("p") forbid (principal, action,
resource == Role::"raeder")
when { context.duratio > 900 }
when { context.local.weekday == "Sunday" };"""
    places = [line.partition(": ")[2].partition(":")[0] for line in problems(tmp_path, policy)]
    assert places == ["policy p (line 1)", "policy p (line 3, column 16)", "policy p (line 4, column 8)"]


def test_each_template_is_named_with_its_line(tmp_path: Path) -> None:
    policies = """@id("fine") permit (principal is IamUser, action, resource);
@id("linked")
permit (principal == ?principal, action, resource);
@id("both") forbid (principal, action,
  resource in ?resource);
"""
    first, second = problems(tmp_path, policies)
    assert first.startswith(
        "policies/a.cedar: policy linked (line 2): `?principal` (line 3) belongs to templates, which"
    )
    assert second.startswith("policies/a.cedar: policy both (line 4): `?resource` (line 5) belongs to templates")


@pytest.mark.parametrize(
    "spaced", ['principal.issuer=="otka"', '(principal.issuer)  ==\n"otka"', 'principal["issuer"] == "otka"']
)
def test_what_is_written_in_another_way_is_found_all_the_same(tmp_path: Path, spaced: str) -> None:
    (found,) = problems(
        tmp_path, f'@id("p") forbid (principal is OidcSubject, action, resource)\n// otka\nwhen {{ {spaced} }};'
    )
    assert 'it can never apply: `principal.issuer == "otka"` (line 3) is never true: issuers.yaml has' in found


def test_a_warning_has_the_line_of_what_it_is_about(tmp_path: Path) -> None:
    policy = '@id("p")\npermit (principal is IamUser, action, resource)\nunless { resource.account == "999988887777" };'
    written = read_source(configuration_directory(tmp_path, policy), allow_loopback_http=False)
    (warning,) = configuration_warnings(written)
    assert warning.startswith("policies/a.cedar: policy p (line 1): `resource.account == ")
    assert "` (line 3) is never true" in warning
