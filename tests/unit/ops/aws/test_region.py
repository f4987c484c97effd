"""Which region a command works in."""

from pathlib import Path

import pytest

from ops.aws.region import find_region
from ops.errors import CommandFailed


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(
        "[default]\nregion = eu-south-1\n[profile other]\nregion = eu-south-2\n[profile n]\n"
    )
    return {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2", "AWS_PROFILE": "other"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2", "AWS_PROFILE": "other"}, "eu-west-2"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "other"}, "eu-south-2"),
        ({}, "eu-south-1"),
    ],
)
def test_the_environment_comes_before_the_profile(
    profiles: dict[str, str], variables: dict[str, str], region: str
) -> None:
    assert find_region({**profiles, **variables}) == region


@pytest.mark.parametrize(
    ("profile", "said"), [("n", "No region: set AWS_REGION"), ("nope", r"set AWS_REGION(?s:.)*\(nope\)")]
)
def test_without_one_it_says_what_to_set(profiles: dict[str, str], profile: str, said: str) -> None:
    with pytest.raises(CommandFailed, match=said):
        find_region({**profiles, "AWS_PROFILE": profile})
