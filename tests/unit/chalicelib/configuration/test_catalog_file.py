from pathlib import Path

import pytest
from botocore.session import get_session

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.configuration.catalog_file import load_catalog, read_catalog
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog

GOOD = """
roles:
  - name: reader
    arn: arn:aws:iam::111122223333:role/team/reader
    default_duration: 15m
    max_duration: 1800
"""


# To be completed with keys and a brace.
ROLE = "{name: a, arn: arn:aws:iam::111122223333:role/x"


def catalog(tmp_path: Path, entry: str) -> Catalog:
    path = tmp_path / "roles.yaml"
    path.write_text(f"roles:\n  - {entry}\n")
    return load_catalog(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "roles.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_catalog(path)
    return raised.value.problems


def test_a_role_is_found_by_name_and_by_arn(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text(GOOD)
    catalog = load_catalog(tmp_path / "roles.yaml")
    role = catalog.find_role("reader")
    assert role is not None and role.max_duration == 1800 and role.default_duration == 900
    assert catalog.find_role("arn:aws:iam::111122223333:role/team/reader") is role
    assert catalog.find_role("writer") is None


def test_every_partition_that_botocore_knows_is_known(tmp_path: Path) -> None:
    partitions = get_session().get_available_partitions()
    assert len(partitions) >= 8 and sorted(partitions) == sorted(PARTITIONS.split("|"))
    for partition in partitions:
        (tmp_path / "roles.yaml").write_text(GOOD.replace("arn:aws:", f"arn:{partition}:"))
        assert load_catalog(tmp_path / "roles.yaml").roles[0].partition == partition


def test_no_other_partition_is(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, GOOD.replace("arn:aws:", "arn:aws-x:"))
    assert "`arn` must be the ARN of an IAM role" in line


def test_a_path_may_be_granted_in_the_place_of_each_role(tmp_path: Path) -> None:
    path = tmp_path / "roles.yaml"
    path.write_text(GOOD)
    catalog = read_catalog(path)
    assert (catalog.role_path, catalog.managed_policies) == (None, 10)
    path.write_text(GOOD + "role_path: /credvend/prod_1/\nmanaged_policies: 20")
    catalog = read_catalog(path)
    assert (catalog.role_path, catalog.managed_policies) == ("/credvend/prod_1/", 20)


@pytest.mark.parametrize(
    "role_path",
    [
        "/",
        "//",
        "",
        "credvend/",
        "/credvend",
        "/credvend//",
        "/*/",
        "/a?/",
        "'/${aws:PrincipalTag/a}/'",
        "'/{{resolve:ssm:a}}/'",
        '"/credvend/\\n"',
        "/" + 255 * "a/" + "aa/",
        "7",
        "~",
        "[/credvend/]",
    ],
)
def test_a_path_that_is_no_path_or_no_text_of_policies_is_refused(tmp_path: Path, role_path: str) -> None:
    (line,) = problems(tmp_path, f"{GOOD}role_path: {role_path}")
    assert line.startswith("roles.yaml: `role_path` ") and "regex" not in line


def test_a_path_may_have_512_characters(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text(f"{GOOD}role_path: /{254 * 'a/'}aa/")
    role_path = read_catalog(tmp_path / "roles.yaml").role_path
    assert role_path is not None and len(role_path) == 512


@pytest.mark.parametrize("wrong", ["managed_policies: 21", "managed_policies: -1", "managed_policies: ten"])
def test_a_quota_that_aws_does_not_have_is_refused(tmp_path: Path, wrong: str) -> None:
    (line,) = problems(tmp_path, f"{GOOD}{wrong}")
    assert "`managed_policies` " in line


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("max_duration: 1800", "max_duration: 899", "max_duration"),
        ("max_duration: 1800", "max_duration: 13h", "max_duration"),
        ("max_duration: 1800", "max_duration: 43201", "max_duration"),
        ("max_duration: 1800", "max_duration: yes", "max_duration"),
        ("max_duration: 1800", "max_duration: 900\n    default_duration: 1800", "twice"),
        ("default_duration: 15m", "default_duration: 45m", "default_duration"),
        ("arn: arn:aws:iam::111122223333:role/team/reader", "arn: arn:aws:iam::1:role/x", "arn"),
        ("arn: arn:aws:iam::111122223333:role/team/reader", "arn: arn:aws:iam::111122223333:role/*", "arn"),
        ("arn: arn:aws:iam::111122223333:role/team/reader", "arn: arn:aws:iam::111122223333:role/*/x", "arn"),
        ("arn: arn:aws:iam::111122223333:role/team/reader", "arn: arn:aws:iam::111122223333:role/a?/x", "arn"),
        ("arn: arn:aws:iam::111122223333:role/team/reader", "arn: arn:aws:iam::111122223333:role/${a}/x", "arn"),
        (
            "arn: arn:aws:iam::111122223333:role/team/reader",
            'arn: "arn:aws:iam::111122223333:role/{{resolve:ssm:path}}/x"',
            "arn",
        ),
        ("arn: arn:aws:iam::111122223333:role/team/reader", "arn: arn:aws:iam::111122223333:user/x", "arn"),
        ("max_duration: 1800", "max_duration: 30:00", "max_duration"),
        ("max_duration: 1800", "max_duration: 0x708", "max_duration"),
        ("max_duration", "max_durations", "max_durations"),
        ("    default_duration", "    external_id: x\n    default_duration", "external_id"),
    ],
)
def test_a_wrong_entry_is_named_by_file_role_and_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert old in GOOD
    (line,) = problems(tmp_path, GOOD.replace(old, new))
    assert line.startswith("roles.yaml: ") and field in line
    assert "reader" in line or field == "twice"


@pytest.mark.parametrize("written", ["3601", "2h", "43200", "12h"])
def test_a_role_of_more_than_an_hour_is_issued_with_a_token(tmp_path: Path, written: str) -> None:
    (role,) = catalog(tmp_path, ROLE + f", max_duration: {written}}}").roles
    assert role.by_web_identity
    (role,) = catalog(tmp_path, ROLE + ", max_duration: 1h}").roles
    assert not role.by_web_identity


def test_a_role_of_leases_says_how_short_they_may_be(tmp_path: Path) -> None:
    (role,) = catalog(tmp_path, ROLE + ", min_duration: 1s, default_duration: 60s, max_duration: 5m}").roles
    assert (role.min_duration, role.default_duration, role.max_duration) == (1, 60, 300)
    (role,) = catalog(tmp_path, ROLE + "}").roles
    assert (role.min_duration, role.default_duration, role.max_duration) == (900, 900, 3600)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{name: a b, arn: x}", "`name` must be at most 64 letters"),
        ("{name: a, arn: arn:aws:iam::1:role/x}", "such as arn:aws:iam::111122223333:role/path/name"),
        ("{name: a, arn: arn:aws:iam::11112222333:role/x}", "its account has 11 digits; an account has 12"),
        ("{name: a, arn: arn:aws:iam::1111-2222-3333:role/x}", "did you mean arn:aws:iam::111122223333:role/x?"),
        (
            "{name: a, arn: arn:aws:iam::111122223333:role/x, groups: open}",
            "must be a list, and is a text: put it in brackets",
        ),
        (
            "{name: a, arn: arn:aws:iam::111122223333:role/x, tag_session: 1}",
            "must be true or false, and is a whole number",
        ),
        ("{name: a}", "lacks the required field `arn`"),
        (
            "{name: a, max-duration: 900}",
            "has an unknown field `max-duration`: did you mean `max_duration`? The keys are name, arn",
        ),
        ("{name: a, arn: arn:aws:iam::111122223333:role/x, groups: [a b]}", "`groups[0]` must hold names"),
        (ROLE + ", max_duration: 13h}", "`max_duration` must be at most 43200 seconds (12h), the maximum of STS"),
        (ROLE + ", max_duration: 43201}", "`max_duration` must be at most 43200 seconds (12h), the maximum of STS"),
        (ROLE + ", min_duration: 0}", "`min_duration` must be at least 1 second"),
        (ROLE + ", min_duration: 16m}", "`min_duration` (960 s) is longer than 900 s (15m)"),
        (ROLE + ", default_duration: 14m}", "`default_duration` (840 s) is shorter than min_duration (900 s)"),
        (ROLE + ", max_duration: 2h, external_id: abc}", "no `external_id`: leave that out"),
        (
            ROLE.replace("role/x", f"role/{'p' * 100}/{'q' * 100}/{'r' * 60}") + ", max_duration: 2h}",
            "that names the role: `arn` must have at most 255 characters",
        ),
        ("{name: a, arn: arn:aws:iam::111122223333:role/x, max_duration: 1 hour}", 'such as "15m" or "1h30m"'),
        ("{name: a, arn: arn:aws:iam::111122223333:role/x, require_reason: maybe}", "`require_reason`"),
        ("{name: a, arn: arn:aws:iam::111122223333:role/x, probe: s3:ListBuckets}", "`probe`"),
        (
            "{name: a, arn: arn:aws:iam::111122223333:role/x, probe: ec2:DescribeInstances, tag_session: false}",
            "`probe` needs `tag_session: true`",
        ),
        ("{name: a, arn: arn:aws:iam::111122223333:role/x, chains_to: [role/y]}", "`chains_to[0]` must hold ARNs"),
        (
            "{name: a, arn: arn:aws:iam::111122223333:role/x, chains_to: ['arn:aws:iam::111122223333:role/x']}",
            "`chains_to` names the role itself",
        ),
        (
            "{name: a, arn: arn:aws:iam::111122223333:role/x, chains_to: ['arn:aws-cn:iam::111122223333:role/y']}",
            "of another partition",
        ),
    ],
)
def test_a_problem_is_told_in_words(tmp_path: Path, entry: str, words: str) -> None:
    (line,) = problems(tmp_path, f"roles: [{entry}]")
    assert words in line and "regex" not in line


def test_duplicate_names_and_arns_are_named(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD + GOOD.replace("\nroles:\n", ""))
    assert len(found) == 2
    assert any("`name`" in line for line in found) and any("`arn`" in line for line in found)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "roles: [{name: a}, {name: b, arn: x}]")) == 2


def test_numbers_are_decimal_and_dates_are_text(tmp_path: Path) -> None:
    text = GOOD.replace("max_duration: 1800", "max_duration: 01800\n    description: 2024-99-99")
    (tmp_path / "roles.yaml").write_text(text)
    (role,) = load_catalog(tmp_path / "roles.yaml").roles
    assert (role.max_duration, role.description) == (1800, "2024-99-99")


def test_a_path_may_be_that_of_identity_center(tmp_path: Path) -> None:
    path = "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"
    (tmp_path / "roles.yaml").write_text(GOOD.replace("role/team/reader", path))
    assert load_catalog(tmp_path / "roles.yaml").roles[0].arn.endswith(path)


@pytest.mark.parametrize(
    "text",
    ["[" * 5000, "[" * 200_000, "", "[]", "roles: 7", "roles: []\nmore: 1", "roles: [", "{roles: [], roles: []}"],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)[0].startswith("roles.yaml: ")
