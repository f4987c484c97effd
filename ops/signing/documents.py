"""The public documents, as the service answers them: written to files, or asked for where STS would."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chalicelib.callers.oidc.connection import Deadline
from chalicelib.callers.oidc.fetch import TROUBLE, fetch_json
from chalicelib.callers.oidc.key_set import keys_of
from chalicelib.signing.documents import CONFIGURATION_PATH, KEYS_PATH, configuration_document, keys_document
from chalicelib.signing.keys import KeyRing, SigningFailed
from ops.aws.kms import Kms
from ops.errors import OperationFailed
from ops.signing.rotating import StageSigning

# More than a cold start, a few calls of KMS and a way around the world.
_PATIENCE_SECONDS: Final = 10


def documents(kms: Kms, stage: StageSigning) -> dict[str, bytes]:
    """What STS reads, by its path below the issuer's URL.

    Raises:
        OperationFailed: KMS does not tell the keys.
    """
    try:
        published = KeyRing(kms.client, stage.alias).published()
    except SigningFailed as error:
        raise OperationFailed(
            f"KMS does not tell the public keys of {stage.alias} ({error.problem}): `credvend-admin keys list` shows "
            "which there are."
        ) from None
    return {
        CONFIGURATION_PATH: _text(configuration_document(stage.issuer, [key.algorithm for key in published])),
        KEYS_PATH: _text(keys_document(published)),
    }


def write_documents(found: Mapping[str, bytes], directory: Path) -> list[Path]:
    """Write them below a directory, each whole or not at all. Returns their files.

    Raises:
        OperationFailed: they cannot be written.
    """
    written: list[Path] = []
    for path, content in found.items():
        file = directory / path.removeprefix("/")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(f"{file.name}.new")
            new.write_bytes(content)
            new.replace(file)
        except OSError as error:
            raise OperationFailed(f"{file} cannot be written: {error.strerror}.") from None
        written.append(file)
    return written


def published_at(url: str) -> frozenset[str]:
    """The ids (`kid`) of the keys that are published below a URL.

    Raises:
        OperationFailed: none are.
    """
    try:
        keys = keys_of(fetch_json(url + KEYS_PATH, Deadline(_PATIENCE_SECONDS)))
    except TROUBLE as error:
        raise OperationFailed(f"{url + KEYS_PATH} gives no keys: {error}") from None
    return frozenset(str(key.get("kid")) for key in keys)


def _text(document: Mapping[str, object]) -> bytes:
    """As chalicelib/http.py writes it."""
    return json.dumps(document, separators=(",", ":")).encode()
