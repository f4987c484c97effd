"""A static copy is, to the byte, what the service answers."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from botocore.session import Session

from ops.aws.kms import Kms
from ops.errors import OperationFailed
from ops.signing.documents import documents, published_at, write_documents
from ops.signing.rotating import StageSigning
from testing.app import CredvendApp
from testing.events import unsigned
from testing.kms_server import Key, KmsServer
from testing.loopback import Request, Response, serve
from testing.signing_app import ALIAS, API, ISSUER, kms, signing

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

__all__ = ["kms", "signing"]


def exported_documents() -> dict[str, bytes]:
    client = cast("KMSClient", Session().create_client("kms", region_name="ap-northeast-2"))
    stage = StageSigning("credvend-test", ALIAS, "RS256", "arn:aws:iam::111122223333:role/x", ISSUER)
    return documents(Kms(client, print), stage)


def test_what_is_exported_is_what_the_service_answers(signing: CredvendApp, kms: KmsServer) -> None:
    kms.aliases |= {f"{ALIAS}-next": Key(2, "ECC_NIST_P256"), f"{ALIAS}-previous": Key(1)}
    exported = exported_documents()
    assert len(exported) == 2
    for path, content in exported.items():
        answer = signing.call("GET", path, identity=unsigned(), context=API)
        assert answer.status == 200 and answer.text.encode() == content


def test_a_published_copy_is_read_as_sts_does(signing: CredvendApp, kms: KmsServer, tmp_path: Path) -> None:
    write_documents(exported_documents(), tmp_path / "copy")

    def answer(request: Request) -> Response:
        file = tmp_path / "copy" / request.path.removeprefix("/tokens/")
        return Response(200, file.read_bytes()) if file.exists() else Response(404)

    with serve(answer) as server:
        assert len(published_at(f"{server.url}/tokens")) == 1
        with pytest.raises(OperationFailed, match=r"/elsewhere/\.well-known/jwks\.json gives no keys"):
            published_at(f"{server.url}/elsewhere")
