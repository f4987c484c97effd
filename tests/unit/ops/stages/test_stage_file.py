"""stage.yaml is taken whole or refused in words."""

from pathlib import Path

import pytest

from chalicelib.errors import ConfigError
from ops.environments import ROOT
from ops.stages.read_stage_file import check_region, read_stage_file
from ops.stages.runtimes import RUNTIMES
from ops.stages.stage import read_stage
from ops.stages.stage_file import StageFile

KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
CERTIFICATE = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-1111-2222-3333-444455556666"


def read(tmp_path: Path, text: str) -> StageFile:
    (tmp_path / "stage.yaml").write_text(text)
    return read_stage_file(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "memori: 512",
            "has an unknown field `memori`: did you mean `memory`? The keys are tags, permissions_boundary, kms",
        ),
        (
            "kms: {log_groups: x}",
            "`kms` has an unknown key `log_groups`: did you mean `log_group`? The keys are log_group, tables",
        ),
        ("tags: {cost: 4711}", "`tags` must be texts: quote"),
        ('tags: {"aws:owner": me}', "keys that begin with `aws:` are AWS's"),
        ("tags: {a: ''}", "`tags` must have keys of at most 128"),
        ("accounts: [111122223333]", "must be texts: quote"),
        ('accounts: ["1111"]', "must hold account numbers of twelve digits"),
        ('accounts: ["111122223333", "111122223333"]', "names an account twice"),
        ("organization: '*'", "must be the id of an organization"),
        ("permissions_boundary: arn:aws:iam::111122223333:role/x", "must be the ARN of a managed policy"),
        ("kms: {tables: arn:aws:kms:eu-central-1:111122223333:alias/x}", "of a KMS key, not of an alias"),
        ("domain: {name: credvend.example.com}", "lacks the required field `certificate`"),
        (f"domain: {{name: https://x, certificate: {CERTIFICATE}}}", "`domain.name` must be a domain name"),
        (f"domain: {{name: x.example.com, certificate: {CERTIFICATE}, base_path: a/b}}", "without a slash"),
        ("waf_acl: arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/0a1b", "of a regional web ACL"),
        ("access_log: arn:aws:logs:eu-central-1:111122223333:log-group:x:*", "without `:*` at the end"),
        ("access_log: arn:aws:firehose:eu-central-1:111122223333:deliverystream/x", "begins with amazon-apigateway-"),
        ("memory: 64", "`memory` must be at least 128"),
        ("concurrency: 0", "`concurrency` must be at least 1"),
        ("concurrency: null", "`concurrency` must be a number, or `none` to reserve nothing"),
        ("concurrency: off", "`concurrency` must be a number, or `none`"),
        ("concurrency: nothing", "`concurrency` must be a number, or `none`"),
        (f"accounts: {[f'{n:012}' for n in range(51)]}", "`accounts` has more than 50: name the `organization`"),
        ("signing: {algorithm: HS256}", "`signing.algorithm`"),
        ("signing: {issuers: x}", "`signing` has an unknown key `issuers`: did you mean `issuer`? The keys are"),
        ("signing: {issuer: http://tokens.example.com}", "`signing.issuer` must be a URL such as https://tokens"),
        ("signing: {issuer: https://tokens.example.com/}", "no slash at the end"),
        ("signing: {issuer: https://tokens.example.com:8443}", "no port"),
        ("signing: {issuer: 'https://tokens.example.com/x?y=z'}", "no query"),
        ("signing: {issuer: 'https://tokens.example.com/x#y'}", "must be a URL"),
        ("signing: {issuer: https://me@tokens.example.com}", "must be a URL"),
        ("signing: {issuer: https://Tokens.example.com}", "in small letters"),
        ("signing: {issuer: https://tokens.example.com/a/../b}", "must be a URL"),
        (f"signing: {{issuer: https://tokens.example.com/{'x' * 229}}}", "at most 255 characters"),
        ("throttle: {rate: 10}", "lacks the required field `burst`"),
        ("runtime: nodejs24.x", f"is none of {', '.join(RUNTIMES)}"),
        ("memory: 512\nmemory: 1024", "a key stands twice"),
        ("memory: [", "not valid YAML"),
        ("- memory", "must hold keys and values"),
        (
            f"kms: {{tables: {KEY}}}\nwaf_acl: arn:aws:wafv2:us-east-1:111122223333:regional/webacl/x/0a",
            "in the region",
        ),
        (f"kms: {{tables: {KEY}}}\npermissions_boundary: arn:aws-cn:iam::aws:policy/x", "of one partition"),
    ],
)
def test_a_mistake_is_answered_with_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value) and str(refused.value).startswith("stage.yaml: ")


def test_an_issuer_of_255_characters_is_taken(tmp_path: Path) -> None:
    issuer = f"https://tokens.example.com/{'x' * 228}"
    assert len(issuer) == 255 and read(tmp_path, f"signing: {{issuer: {issuer}}}").signing.issuer == issuer


def test_what_is_in_another_region_is_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    stage = read(tmp_path, f"kms: {{tables: {KEY}}}\npermissions_boundary: arn:aws:iam::111122223333:policy/x")
    check_region(stage, None)
    check_region(stage, "eu-central-1")
    with pytest.raises(
        ConfigError, match=r"^stage\.yaml: `kms\.tables` is in eu-central-1, and this is for eu-west-1$"
    ):
        check_region(stage, "eu-west-1")


def test_the_runtime_of_the_file_comes_before_that_of_the_stage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CREDVEND_RUNTIME", raising=False)
    (tmp_path / "stage.yaml").write_text("runtime: python3.14")
    assert read_stage(ROOT, "prod", tmp_path).runtime == "python3.14" != read_stage(ROOT, "prod").runtime


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs/stage.md").read_text()
    assert [key for key in StageFile.__struct_fields__ if f"\n| `{key}` |" not in text] == []
