"""The entries of docs/issuers and the recipes of docs/callers.md can be copied: they load, and fit together."""

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.catalog_file import load_catalog
from chalicelib.configuration.issuers_file import issuers_json_schema, load_issuers
from chalicelib.configuration.policy_files import WrittenPolicies, read_policies
from chalicelib.configuration.policy_warnings import PolicyWarnings
from chalicelib.configuration.possible_requests import PossibleRequests
from chalicelib.roles.catalog import Catalog
from ops.environments import ROOT
from testing.documents import blocks_of

ISSUERS = (ROOT / "docs/issuers.md").read_text()
PRESETS = {path.stem: path.read_text() for path in sorted((ROOT / "docs/issuers").glob("*.md"))}
CALLERS = (ROOT / "docs/callers.md").read_text()
CATALOG = """
roles:
  - name: assume-role-role
    arn: arn:aws:iam::278805249149:role/assume-role-role
    groups: [ec2]
"""


def entries(text: str) -> list[str]:
    return [block for block in blocks_of(text, "yaml") if block.startswith("issuers:")]


def sections(text: str) -> dict[str, str]:
    """The text below each heading of the second level, by the heading's anchor."""
    found = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-"): below for heading, below in found}


def load(entry: str, directory: Path) -> Issuer:
    """An entry, in a configuration that has the keys that it names."""
    for file in re.findall(r"jwks_file: (\S+)", entry):
        (directory / file).parent.mkdir(exist_ok=True)
        (directory / file).write_text('{"keys": []}')
    (directory / "issuers.yaml").write_text(entry)
    (issuer,) = load_issuers(directory / "issuers.yaml", allow_loopback_http=False)
    return issuer


ENTRIES = [entry for text in PRESETS.values() for entry in entries(text)]


@pytest.fixture
def issuers(tmp_path: Path) -> dict[str, Issuer]:
    """Those of docs/issuers, by name."""
    loaded = [load(entry, tmp_path) for entry in ENTRIES]
    assert len({issuer.name for issuer in loaded}) == len({issuer.url for issuer in loaded}) == len(loaded), (
        "each entry of docs/issuers/ has a name and an issuer of its own"
    )
    return {issuer.name: issuer for issuer in loaded}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "roles.yaml").write_text(CATALOG)
    return load_catalog(tmp_path / "roles.yaml")


def load_all(config: Path, policies: list[str], catalog: Catalog, issuers: Collection[Issuer]) -> WrittenPolicies:
    schema = ROOT / "chalicelib/config/schema.cedarschema"
    (config / "schema.cedarschema").write_text(schema.read_text())
    (config / "policies").mkdir()
    for number, text in enumerate(policies):
        (config / f"policies/{number}.cedar").write_text(text)
    return read_policies(config, catalog, issuers)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: re.findall(r"name: (\S+)", entry)[0])
def test_each_entry_is_a_whole_valid_file(entry: str, tmp_path: Path) -> None:
    issuer = load(entry, tmp_path)
    assert issuer.audiences and issuer.url.startswith("https://")


def test_all_entries_fit_into_one_file(tmp_path: Path) -> None:
    together = "issuers:\n" + "".join(entry.removeprefix("issuers:\n") for entry in ENTRIES)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/k8s-factory.json").write_text('{"keys": []}')
    (tmp_path / "issuers.yaml").write_text(together)
    assert len(load_issuers(tmp_path / "issuers.yaml", allow_loopback_http=False)) == len(ENTRIES)


def test_each_promised_kind_has_an_entry() -> None:
    (promise,) = re.findall(r"^There are entries to copy for (.*?)\. Each", ISSUERS, re.M | re.S)
    promised = re.findall(r"\(issuers/([\w-]+)\.md\)", promise)
    assert set(promised) == set(PRESETS), "docs/issuers.md names each file of docs/issuers/, and no other"
    assert len(promised) == len(PRESETS)
    assert all(entries(text) for text in PRESETS.values()) and not entries(ISSUERS)
    assert set(promised) >= {
        "github-actions",
        "gitlab-ci",
        "okta",
        "microsoft-entra-id",
        "google",
        "amazon-cognito",
        "kubernetes",
        "aws-outbound-identity-federation",
    }


def test_an_issuer_that_all_the_world_uses_is_fenced(issuers: dict[str, Issuer]) -> None:
    for name in ("github", "gitlab", "google"):
        assert issuers[name].required_claims and all(values for _, values in issuers[name].required_claims)


def test_each_key_of_an_issuer_is_documented() -> None:
    definitions = issuers_json_schema()["$defs"]
    assert isinstance(definitions, dict)
    table = re.findall(r"^\| `(\w+)` \|", sections(ISSUERS)["keys"], re.M)
    assert table == list(definitions["IssuerEntry"]["properties"])


def test_each_recipe_has_a_valid_policy(tmp_path: Path, catalog: Catalog, issuers: dict[str, Issuer]) -> None:
    policies = blocks_of("\n".join([CALLERS, ISSUERS, *PRESETS.values()]), "cedar")
    loaded = load_all(tmp_path, policies, catalog, issuers.values()).policies
    assert len(loaded) >= len(policies)
    look = PolicyWarnings(PossibleRequests(KINDS, issuers.values(), catalog), now=0)
    assert [(policy.name, warning) for policy in loaded for warning in look.at(policy.json)] == []
    recipes = re.findall(r"^\| \[.*?\]\(#([\w-]+)\)", CALLERS, re.M)
    assert recipes == [anchor for anchor, below in sections(CALLERS).items() if blocks_of(below, "cedar")]


@pytest.mark.parametrize("policy", blocks_of(CALLERS, "cedar"), ids=lambda text: re.findall(r'@id\("(.+?)"\)', text)[0])
def test_a_policy_of_a_recipe_fits_the_entry_that_it_links_to(policy: str, issuers: dict[str, Issuer]) -> None:
    (recipe,) = [below for below in sections(CALLERS).values() if policy in below]
    linked = set(re.findall(r"issuers/([\w-]+)\.md", recipe))
    entry_names = {name for preset in linked for name in re.findall(r"^  - name: (\S+)", PRESETS[preset], re.M)}
    used = re.findall(r'Oidc(?:Issuer|Group|Subject)::"([^":]+)', policy)
    assert set(used) <= entry_names <= set(issuers)
    assert bool(used) == ("principal == IamRole" not in policy and "ServiceToken" not in policy)
    for name in used:
        tags = set(re.findall(r'(?:has|get)Tag\("(.+?)"\)', policy))
        assert tags <= {tag for tag, _ in issuers[name].claims}
        if "OidcGroup" in policy:
            assert issuers[name].groups_claim
