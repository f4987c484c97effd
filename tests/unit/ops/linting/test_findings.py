"""What of the findings is said."""

from ops.linting.findings import Finding, judge


def test_an_exception_is_for_one_place_and_goes_when_there_is_nothing_to_excuse() -> None:
    found = [Finding("RULE", "Here", "is wrong"), Finding("RULE", "There", "is wrong")]
    assert judge(found, {}) == ["Here: is wrong (RULE)", "There: is wrong (RULE)"]
    assert judge(found, {("RULE", "Here"): "meant"}) == ["There: is wrong (RULE)"]
    assert judge(found, {("RULE", "*"): "meant"}) == []
    assert judge([], {("RULE", "Here"): "meant"}) == ["RULE is not found in Here any more: take the exception out."]
