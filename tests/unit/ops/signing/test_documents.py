"""What is exported is what STS would read, and lies there whole."""

from pathlib import Path

import pytest

from chalicelib.signing.keys import NEXT, PREVIOUS
from ops.errors import OperationFailed
from ops.signing.documents import documents, write_documents
from ops.signing.rotation import PUBLISHED_BEFORE_SECONDS
from tests.unit.ops.signing.test_rotating import STAGE, Rotated


def test_the_documents_name_the_issuer_and_every_key_that_has_a_name(tmp_path: Path) -> None:
    stage = Rotated()
    stage.rotate()
    files = write_documents(documents(stage.operators, STAGE), tmp_path)
    assert [str(file.relative_to(tmp_path)) for file in files] == [
        ".well-known/openid-configuration",
        ".well-known/jwks.json",
    ]
    assert sorted(tmp_path.rglob("*.new")) == []
    assert b'"issuer":"https://tokens.example.com"' in files[0].read_bytes()
    assert files[1].read_bytes().count(b'"kid"') == 2


def test_nothing_is_exported_while_a_key_cannot_be_read(tmp_path: Path) -> None:
    stage = Rotated()
    stage.rotate()
    stage.kms.after = lambda _: None
    stage.first.state = "Disabled"
    with pytest.raises(OperationFailed, match=r"does not tell the public keys .*DisabledException"):
        documents(stage.operators, STAGE)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / ".well-known").write_text("a file")
    with pytest.raises(OperationFailed, match="cannot be written"):
        write_documents({"/.well-known/jwks.json": b"{}"}, tmp_path)


def test_names_are_those_that_the_service_reads() -> None:
    stage = Rotated()
    stage.rotate()
    assert {f"{STAGE.alias}{behind}" for behind in ("", NEXT, PREVIOUS)} <= stage.kms.aliases.keys()
    stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    assert len(documents(stage.operators, STAGE)["/.well-known/jwks.json"].split(b'"kid"')) == 3
