"""A service with an invalid configuration does not start."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from chalicelib.errors import ConfigError
from testing.app import POLICIES, ROLES, write_config
from testing.imported import assert_not_imported

ROOT = Path(__file__).resolve().parent.parent.parent


def problems(directory: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        load_service(directory, Settings("ap-northeast-2"))
    return str(raised.value)


def test_the_shipped_configuration_is_valid() -> None:
    assert load_service(ROOT / "chalicelib/config", Settings("ap-northeast-2")).configuration().catalog.roles


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ("", "nobody could ever be let in"),
        ("permit (principal, action, resource);", "no @id"),
        ('@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);', "already"),
        ('@id("a") permit (principal, action, resource) when { principal.colour == "red" };', "colour"),
        ('@id("a") permit (principal, action, resource) when { context.duration == "1h" };', "a"),
        ('@id("a") permit (principal == User::"alice", action, resource);', "User"),
        ('@id("a") permit (principal, action == Action::"Own", resource);', "Own"),
        ('@id("a") permit (principal == ?principal, action, resource);', "templates"),
        ('@id("a") permit (principal, action, resource)', "all.cedar"),
        ('@id("a") forbid (principal, action, resource in RoleGroup::"Open");', 'RoleGroup::"Open" is not a group'),
        ('@id("a") forbid (principal, action, resource in RoleGroup::"\u043epen");', "is not a group"),
        ('@id("a") forbid (principal, action, resource == Role::"raeder");', 'Role::"raeder" is not in the catalog'),
        (
            '@id("a") forbid (principal, action, resource == Role::"arn:aws:iam::111122223333:role/reader");',
            "named by its catalog name",
        ),
        ('@id("a") forbid (principal in Account::"1111-2222-3333", action, resource);', "12 digits"),
        ('@id("a") forbid (principal == IamUser::"alice", action, resource);', "a user is its ARN"),
        (
            '@id("a") forbid (principal == IamUser::"arn:aws:iam::111122223333:role/Dev", action, resource);',
            "a user is its ARN",
        ),
        (
            '@id("a") forbid (principal == IamRole::"arn:aws:iam::111122223333:role/team/Dev", action, resource);',
            "without its path",
        ),
        (
            '@id("a") forbid (principal == IamRole::"arn:aws:sts::111122223333:assumed-role/Dev/x", action, resource);',
            "without its path",
        ),
        ('@id("a") forbid (principal == FederatedUser::"bob", action, resource);', "a federated user is its ARN"),
        ('@id("a") forbid (principal in OidcGroup::"okta:Readers", action, resource);', "an issuer in issuers.yaml"),
        ('@id("a") forbid (principal in OidcIssuer::"okta", action, resource);', "is not in issuers.yaml"),
        ('@id("a") forbid (principal == OidcSubject::"alice", action, resource);', "an issuer in issuers.yaml"),
        ('@id("a") forbid (principal == ServiceToken::"token:x", action, resource);', "an API token is its name"),
        (
            '@id("a") forbid (principal, action, resource) when { principal in [Account::"1"] };',
            "policy a (line 1): Account",
        ),
        (
            '@id("a") forbid (principal is IamUser in Account::"x", action, resource) unless { true };',
            "policy a (line 1): Account",
        ),
        ('@id("a") permit (principal, action, resource) when { resource.arn.size() > 1 };', "size"),
    ],
)
def test_a_policy_that_does_not_fit_is_named(tmp_path: Path, policies: str, message: str) -> None:
    if not policies:
        write_config(tmp_path)
        (tmp_path / "policies/all.cedar").unlink()
    else:
        write_config(tmp_path, policies=policies)
    assert message in problems(tmp_path)


def test_a_policy_that_is_not_text_is_named(tmp_path: Path) -> None:
    (write_config(tmp_path) / "policies/all.cedar").write_bytes(b"\xff\xfe")
    assert "all.cedar" in problems(tmp_path)


@pytest.mark.parametrize("name", ["production/x.CEDAR", "x.CEDAR", "x.cedar.yaml", "forbid.txt"])
def test_a_policy_file_that_would_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    file = write_config(tmp_path) / "policies" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text('@id("never") forbid (principal, action, resource);')
    assert f"policies/{name}: not a *.cedar file" in problems(tmp_path)


def test_policies_of_subfolders_are_read_and_named_with_their_folder(tmp_path: Path) -> None:
    folder = write_config(tmp_path) / "policies/team/payments"
    folder.mkdir(parents=True)
    for name in ("a.cedar", "b.cedar"):
        (folder / name).write_text('@id("twice") forbid (principal, action, resource);')
    message = problems(tmp_path)
    assert "policies/team/payments/b.cedar: policy number 1 (line 1): @id('twice')" in message
    assert "that of one in policies/team/payments/a.cedar" in message


@pytest.mark.parametrize("group", ["   ", r"\u{200b}", r"admins\u{200b}", r"admins\n", r"\u{3164}", "a" * 1025])
def test_no_policy_depends_on_a_group_that_is_left_out(tmp_path: Path, group: str) -> None:
    """An odd group of a token is left out: nothing that a policy forbids may hang on it."""
    forbid = f'@id("no-admins") forbid (principal in OidcGroup::"okta:{group}", action, resource);'
    config = write_config(tmp_path, policies=POLICIES + forbid)
    (config / "issuers.yaml").write_text(
        "issuers: [{name: okta, issuer: 'https://okta.example.com', audiences: [a], groups_claim: groups}]"
    )
    message = problems(config)
    assert "policy no-admins (line 4): OidcGroup::" in message and "can have no member" in message
    assert message.isprintable()
    write_config(tmp_path, policies=POLICIES + forbid.replace(group, "admins"))
    load_service(config, Settings("ap-northeast-2"))


def test_a_link_to_a_folder_of_policies_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    (config / "policies/round").symlink_to(config / "policies")
    assert "policies/round: not a *.cedar file" in problems(tmp_path)


def test_hidden_folders_hold_no_policies(tmp_path: Path) -> None:
    hidden = write_config(tmp_path) / "policies/.drafts"
    hidden.mkdir()
    (hidden / "x.cedar").write_text("half a dra")
    assert load_service(tmp_path, Settings("ap-northeast-2")).configuration().catalog.roles


def test_hidden_files_are_not_policies(tmp_path: Path) -> None:
    (write_config(tmp_path) / "policies/.all.cedar").write_text("half a dra")
    assert load_service(tmp_path, Settings("ap-northeast-2")).configuration().catalog.roles


def test_a_schema_that_does_not_parse_is_named(tmp_path: Path) -> None:
    (write_config(tmp_path) / "schema.cedarschema").write_text("entity ;")
    assert "schema.cedarschema" in problems(tmp_path)


def test_a_schema_that_has_no_place_for_a_kind_of_caller_is_named(tmp_path: Path) -> None:
    schema = write_config(tmp_path) / "schema.cedarschema"
    schema.write_text(schema.read_text().replace("  owner: String,\n", ""))
    told = problems(tmp_path)
    assert "schema.cedarschema: callers of the kind ServiceToken do not fit it (compare it with the one that" in told
    assert "IamUser" not in told


def test_a_schema_that_has_no_place_for_the_roles_is_told_so(tmp_path: Path) -> None:
    schema = write_config(tmp_path) / "schema.cedarschema"
    text = schema.read_text()
    assert "  arn: String,\n" in text
    schema.write_text(text.replace("  arn: String,\n", "  arn: Long,\n"))
    assert "schema.cedarschema: the roles of the catalog do not fit it (compare it with the one" in problems(tmp_path)


def test_a_catalog_that_is_not_there_is_named(tmp_path: Path) -> None:
    (write_config(tmp_path) / "roles.yaml").unlink()
    assert "roles.yaml: cannot be read" in problems(tmp_path)


@pytest.mark.parametrize("variable", ["AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL"])
def test_a_log_level_that_would_swallow_the_audit_log_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "WARN")
    assert variable in problems(write_config(tmp_path))


def test_callers_that_sign_wait_for_no_cryptography_and_no_table() -> None:
    """What only tokens need is imported when one comes: it would cost each cold start a tenth of a second."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import app, sys; print(*sys.modules, sep=chr(10))"],
        cwd=ROOT,
        env={"AWS_REGION": "ap-northeast-2"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "chalicelib.service" in loaded
    needless = (
        "jwt",
        "cryptography",
        "chalicelib.callers.oidc.verify",
        "chalicelib.callers.api_tokens.store",
        "aws_xray_sdk",
    )
    assert_not_imported(needless, loaded)


def test_the_function_does_not_load_with_an_invalid_configuration(tmp_path: Path) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    shutil.copytree(ROOT / "chalicelib", tmp_path / "chalicelib")
    write_config(tmp_path / "chalicelib/config", ROLES.replace("role/reader", "role/*"), POLICIES)
    loaded = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=tmp_path,
        env={"AWS_REGION": "ap-northeast-2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode != 0 and "roles.yaml: role 'reader' (line 3): `arn`" in loaded.stderr


# Under 16 kB of frames, Python's first chunk: as in app.py.
SHALLOW = 45
DEPTH = """
import sys


class Seen:
    def find_spec(self, name, path=None, target=None):
        if name == "urllib3.util.url":
            frame, depth = sys._getframe(), 0
            while frame := frame.f_back:
                depth += 1
            print(depth)


sys.meta_path.insert(0, Seen())
import app
"""


def test_large_patterns_are_compiled_while_few_calls_are_open() -> None:
    done = subprocess.run([sys.executable, "-c", DEPTH], cwd=ROOT, check=True, capture_output=True, text=True)
    assert int(done.stdout) < SHALLOW
