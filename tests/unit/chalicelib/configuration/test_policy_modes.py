"""A policy is enforced or in audit mode; what is neither is an error, for a permit to be tried would be enforced."""

from pathlib import Path

import pytest

from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.source import WrittenConfiguration, read_source
from testing.policies import configuration_directory, problems

ALL = "permit (principal, action, resource);"


def written(directory: Path, policies: str) -> WrittenConfiguration:
    return read_source(configuration_directory(directory, policies), allow_loopback_http=False)


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        ('@mode("audti")', '@mode("audti") is no mode: there is @mode("audit") or @mode("enforce"), '
         "which is the same as none; did you mean audit?"),
        ('\n\n@mode("Audit")', '@mode("Audit") (line 3) is no mode: there is @mode("audit") or @mode("enforce"), '
         "which is the same as none; did you mean audit?"),
        ("@mode", '@mode is no mode: there is @mode("audit") or @mode("enforce"), which is the same as none'),
        ('@mode("dark")', '@mode("dark") is no mode: there is @mode("audit") or @mode("enforce"), '
         "which is the same as none"),
        ('\n@Mode("audit")', '@Mode("audit") (line 2) is no annotation of credvend\'s; did you mean @mode("audit")?'),
        ('@mod("audit")', '@mod("audit") is no annotation of credvend\'s; did you mean @mode("audit")?'),
        ("@MODE", '@MODE is no annotation of credvend\'s; did you mean @mode("audit")?'),
    ],
)  # fmt: skip
def test_what_is_no_mode_is_an_error_with_its_line(tmp_path: Path, annotation: str, problem: str) -> None:
    assert problems(tmp_path, f'@id("x") {annotation} {ALL}') == [f"policies/a.cedar: policy x (line 1): {problem}"]


@pytest.mark.parametrize("annotation", ['@model("T1000")', '@description("audit")', '@mode("enforce")', ""])
def test_other_annotations_are_the_adopters_own(tmp_path: Path, annotation: str) -> None:
    found = written(tmp_path, f'@id("x") {annotation} {ALL}')
    assert [policy.is_audited for policy in found.policies.policies] == [False]
    assert found.configuration.audit_mode is None


def test_a_policy_in_audit_mode_is_checked_and_does_not_decide(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '@id("x") @mode("audit") permit (principal, action, resource == Role::"raeder");')
    assert 'did you mean Role::"reader"?' in problem
    found = written(tmp_path / "right", f'@id("x") @mode("audit") {ALL} @id("y") {ALL}')
    assert [one.name for one in found.indexed.indexed] == ["y"]
    assert found.audited is not None and [one.name for one in found.audited.indexed] == ["x"]


def test_a_configuration_that_enforces_no_permit_is_warned_of(tmp_path: Path) -> None:
    warnings = configuration_warnings(written(tmp_path, f'@id("x") @mode("audit") {ALL}'))
    assert warnings == (
        "policies/: no `permit` is enforced, so nobody is let in",
        "policies/a.cedar: policy x (line 1): it asks nothing of the caller: whoever can prove who they are could, "
        "once enforced, have every role of the catalog",
    )
