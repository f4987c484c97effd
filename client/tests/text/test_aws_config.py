"""The text of ~/.aws/config is read as botocore reads it, and as lenient SDKs do."""

from __future__ import annotations

from pathlib import Path

import pytest

from credvend.disk.aws_config_file import region_of
from credvend.errors import UsageError
from credvend.text.aws_config import problem, region_in, sections
from credvend.text.aws_regions import check_region, partition_of

TEXTS = [
    b"",
    b"\n# nothing\n",
    b"[default]\nregion = eu-west-1\n",
    b"[default]\r\nregion = eu-west-1\r\n",
    b"[default]\nregion = eu-west-1\n  [profile x]\n  region = y\n",
    b"[default]\ns3 =\n  max_concurrent_requests = 20\n# x\n  addressing_style = path\n[profile x]\nregion: a\n",
    b"[profile x] # note [y]\nregion = a\n",
    b"[default]\na = 1\n[default]\nb = 2\n",
    b"[default]\na = 1\nA = 2\n",
    b"region = eu-west-1\n[default]\n",
    b"[default]\nnonsense\n",
    b"[default]\ns3 =\n  nonsense\n",
    b"\xef\xbb\xbf[default]\n",
    "[default]\nregion = eu-west-1\n".encode("utf-16"),
    "[default]\nregion = eu-west-1\n".encode("utf-16-le"),
]


@pytest.mark.parametrize("content", TEXTS)
def test_what_botocore_reads_is_fine_and_nothing_else_is(content: bytes, tmp_path: Path) -> None:
    configloader = pytest.importorskip("botocore.configloader")
    exceptions = pytest.importorskip("botocore.exceptions")
    path = tmp_path / "config"
    path.write_bytes(content)
    try:
        read = configloader.raw_config_parse(str(path))
    except exceptions.ConfigParseError:
        assert problem(content) is not None
    else:
        assert problem(content) is None
        found = [section for section in sections(content.decode()) if section.header]
        assert len(found) == len(read)
        for section, (header, settings) in zip(found, read.items(), strict=True):
            assert header in section.header
            assert {line.key for line in section.body if line.begins} == set(settings)


@pytest.mark.parametrize("content", TEXTS)
def test_sections_are_the_text_again(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    assert "".join(section.text for section in sections(text)) == text


def test_what_is_wrong_is_named_by_its_line_and_not_quoted() -> None:
    found = problem(b"[default]\naws_secret_access_key = x\nthe-secret\n")
    assert found is not None and "line 3" in found and "secret" not in found


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("[profile x]", {"x"}),
        ("  [ profile  x ] ; note", {"x"}),
        ("[profile x] # note [y]", {"x", "x] # note [y"}),
        ('[profile "x y"]', {"x y"}),
        ("[profile 'x']", {"x"}),
        ('[profile "x]', {'"x'}),
        ("[default]", {"default"}),
        ("[profile default]", {"default"}),
        ("[sso-session x]", set()),
        ("[services x]", set()),
        ("# [profile x]", set()),
    ],
)
def test_a_profile_is_known_however_its_header_is_written(header: str, names: set[str]) -> None:
    found = {name for section in sections(header + "\n") for name in section.profile_names()}
    assert names <= found and ("x" in found) is ("x" in names)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("[profile a]\nregion = eu-west-1\n", "eu-west-1"),
        ("[profile 'a']\nREGION: eu-west-1   # home\n", "eu-west-1"),
        ("[profile a] # note [b]\nregion=eu-west-1;x\n", "eu-west-1;x"),
        ("[profile a]\nregion =\n[profile b]\nregion = eu-west-1\n", None),
        ("[profile a]\nsso_region = us-east-1\n# region = us-east-1\n", None),
        ("[a]\nregion = eu-west-1\n", None),
    ],
)
def test_the_region_of_a_profile_is_read(text: str, region: str | None) -> None:
    assert region_in(text, "a") == region


def test_the_region_is_that_of_the_environment_or_else_of_the_profile(tmp_path: Path) -> None:
    aws = tmp_path / ".aws"
    aws.mkdir()
    environ = {"HOME": str(tmp_path)}
    assert region_of(environ) is None
    (aws / "config").write_text("[default]\nregion = eu-west-1\n[profile a]\nregion = eu-west-2\n[profile b]\n")
    assert [region_of(environ, profile) for profile in (None, "a", "b", "c")] == ["eu-west-1", "eu-west-2", None, None]
    assert region_of({**environ, "AWS_PROFILE": "a"}) == "eu-west-2"
    assert region_of({**environ, "AWS_PROFILE": "a", "AWS_DEFAULT_REGION": "eu-west-3"}) == "eu-west-3"
    both = {"AWS_DEFAULT_REGION": "eu-west-3", "AWS_REGION": "eu-north-1"}
    assert region_of({**environ, **both}, "a") == "eu-north-1"
    (aws / "credentials").write_text("[a]\nregion = ap-east-1\n")
    assert region_of(environ, "a") == "ap-east-1"
    assert region_of({"HOME": str(aws / "config")}) is None


def test_a_region_belongs_to_the_partition_that_botocore_has_it_in() -> None:
    session = pytest.importorskip("botocore.session").Session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("sts", partition_name=partition):
            assert partition_of(region) == partition, region
            check_region(region, f"arn:{partition}:iam::111122223333:role/x")


def test_a_region_where_a_role_is_worth_nothing_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"a region of aws, or a role of aws-us-gov"):
        check_region("us-gov-west-1", "arn:aws:iam::111122223333:role/x")
    for nonsense in ("", "eu", "eu-west-1\n", "eu west 1", "EU-WEST-1"):
        with pytest.raises(UsageError, match="no region"):
            check_region(nonsense)
