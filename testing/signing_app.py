"""The service of a stage that signs tokens, through its Chalice app, with a KMS and an STS on loopback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import app as app_module
from chalicelib.assembly import _key_ring, load_service
from chalicelib.configuration.settings import Settings
from chalicelib.http import HttpEdge
from testing.app import POLICIES, CredvendApp, write_config
from testing.kms_server import Key, KmsServer, kms_server
from testing.sts_server import StsServer

ALIAS: Final = "alias/credvend-test-signing"
API: Final = {"apiId": "a1b2c3d4e5", "stage": "test"}
ISSUER: Final = "https://a1b2c3d4e5.execute-api.ap-northeast-2.amazonaws.com/test"
LONG: Final = "arn:aws:iam::111122223333:role/team/long"
ROLES: Final = f"""
roles:
  - {{name: reader, arn: "arn:aws:iam::111122223333:role/reader", groups: [open]}}
  - {{name: leased, arn: "arn:aws:iam::111122223333:role/leased", groups: [open], min_duration: 1s}}
  - name: long
    arn: {LONG}
    groups: [open]
    min_duration: 1s
    max_duration: 12h
    tags: {{Owner: "${{caller.name}}"}}
    caller_tags: [Project]
    transitive_tags: [Project]
    policy:
      Version: "2012-10-17"
      Statement: [{{Effect: Allow, Action: "s3:*", Resource: "*"}}]
    policy_arns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
  - name: plain
    arn: arn:aws:iam::111122223333:role/plain
    groups: [open]
    max_duration: 2h
    source_identity: false
    tag_session: false
"""


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[KmsServer]:
    """A KMS on loopback, with the key of the stage."""
    with kms_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server.url)
        server.aliases[ALIAS] = Key(1)
        yield server


@pytest.fixture
def signing(
    sts: StsServer, kms: KmsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CredvendApp:
    """The app of the stage, as in a new execution environment."""
    use(monkeypatch, tmp_path, Settings("ap-northeast-2", signing_alias=ALIAS))
    monkeypatch.setattr(app_module, "edge", HttpEdge(app_module.service.record_unforeseen))
    return CredvendApp(sts, capsys)


def use(monkeypatch: pytest.MonkeyPatch, directory: Path, settings: Settings, roles: str = ROLES) -> None:
    """Have the app go by other settings, or other roles."""
    _key_ring.cache_clear()
    monkeypatch.setattr(app_module, "service", load_service(write_config(directory, roles, POLICIES), settings))
