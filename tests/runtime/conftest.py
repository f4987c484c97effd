"""The package as `make package` makes it, unpacked once, and what its function reaches: STS and the table of tokens."""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.api_tokens.table import Tokens
from ops.environments import ensure
from testing.app import POLICIES, ROLES, write_config
from testing.deployed import make_package
from testing.dynamodb.credvend_tables import BLOCKS, QUOTAS, REVOCATIONS, SESSIONS
from testing.jwks_site import JwksSite, jwks_site
from testing.runtime import Environment, environment
from testing.sts_server import StsServer, sts_server
from testing.token_table import NAME, TokenTable, served
from testing.tokens import AUDIENCE, ISSUER, Key, ec_key, key_set

FAR_ISSUER = "https://far.example.com"
_ISSUERS = f"""
issuers:
  - {{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json}}
  - {{name: far, issuer: "{FAR_ISSUER}", audiences: [{AUDIENCE}], jwks_uri: "FAR_KEYS"}}
"""
_TOKENS = """
@id("holders-of-tokens-may-use-open-roles")
permit (principal, action, resource in RoleGroup::"open")
when { principal is OidcSubject || principal is ServiceToken };
"""


@pytest.fixture(scope="session")
def issuer_key() -> Key:
    """What the issuer `main` signs with."""
    return ec_key("main")


@pytest.fixture(scope="session")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JwksSite]:
    """Where the issuer `far` publishes its keys."""
    with jwks_site(tmp_path_factory.mktemp("far")) as site:
        yield site


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory, issuer_key: Key, far: JwksSite) -> Path:
    """The unpacked package of stage prod."""
    ensure("runtime")
    config = write_config(tmp_path_factory.mktemp("config"), ROLES, POLICIES + _TOKENS)
    (config / "issuers.yaml").write_text(_ISSUERS.replace("FAR_KEYS", far.url))
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(issuer_key)))
    template, code = make_package(config)
    assert template.is_file()
    tree = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(code) as archive:
        archive.extractall(tree)
    return tree


@dataclass
class World:
    """What a function finds around it.

    Attributes:
        tree: the unpacked package.
        variables: those that lead the function to STS and the table.
    """

    tree: Path
    sts: StsServer
    table: TokenTable
    variables: dict[str, str]

    def start(
        self,
        variables: Mapping[str, str] | None = None,
        *,
        stdout: int | None = None,
        search: Path | None = None,
        keep: Sequence[int] = (),
    ) -> AbstractContextManager[Environment]:
        """A new execution environment, for a `with` block; as testing/runtime.py says."""
        return environment(self.tree, self.variables | dict(variables or {}), stdout=stdout, search=search, keep=keep)

    def new_token(self, name: str = "ci") -> str:
        return (
            Tokens(NAME, self.table.client, lambda: "arn:aws:iam::111122223333:user/operator")
            .create(name, "ops", 3600)
            .token
        )


@pytest.fixture
def world(package: Path, far: JwksSite) -> Iterator[World]:
    table = TokenTable()
    with sts_server() as sts, served(table) as tables:
        variables = {
            "AWS_ENDPOINT_URL_STS": sts.url,
            "AWS_ENDPOINT_URL_DYNAMODB": tables,
            "CREDVEND_TOKENS_TABLE": NAME,
            "CREDVEND_SESSIONS_TABLE": SESSIONS.name,
            "CREDVEND_BLOCKS_TABLE": BLOCKS.name,
            "CREDVEND_QUOTAS_TABLE": QUOTAS.name,
            "CREDVEND_REVOCATIONS_TABLE": REVOCATIONS.name,
            "SSL_CERT_FILE": str(far.authority),
        }
        yield World(package, sts, table, variables)
