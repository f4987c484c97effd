"""The key that is deployed stays of its kind: to CloudFormation, another one would be an error."""

import json
from pathlib import Path

import pytest

from ops.deploying.kept_key import keep_kind_of_key


def template(path: Path, spec: str | None) -> Path:
    key = {} if spec is None else {"SigningKey": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": spec}}}
    path.write_text(json.dumps({"Resources": key}))
    return path


@pytest.mark.parametrize(
    ("new", "deployed", "then"),
    [
        ("ECC_NIST_P256", "RSA_2048", "RSA_2048"),
        ("RSA_2048", "RSA_2048", "RSA_2048"),
        ("ECC_NIST_P256", None, "ECC_NIST_P256"),
        (None, "RSA_2048", None),
    ],
)
def test_a_key_keeps_its_kind_and_a_new_one_has_that_of_the_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], new: str | None, deployed: str | None, then: str | None
) -> None:
    written = template(tmp_path / "new.json", new)
    keep_kind_of_key(written, template(tmp_path / "former.json", deployed))
    assert written.read_text() and json.loads(written.read_text()) == json.loads(
        template(tmp_path / "then.json", then).read_text()
    )
    assert ("until `credvend-admin keys rotate` puts" in capsys.readouterr().err) is (new != then)
