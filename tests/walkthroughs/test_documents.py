"""The README and the docs are true: their commands run, and their examples are valid."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.policy_warnings import policy_warnings
from chalicelib.configuration.source import read_source
from local.aws import ACCOUNT
from ops.environments import ROOT, programs
from testing.deployed import PERSON, Stack
from testing.documents import blocks
from testing.jwks_site import JwksSite, jwks_site
from testing.operators import create
from testing.tokens import rsa_key
from tests.walkthroughs.marked import Marked

README = ROOT / "README.md"
# Whose commands test_operating.py runs, on a local AWS of its own.
OPERATING = ROOT / "docs/operate.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# The walk-through has left keys for a shell, which nobody else may read, and one of which is the administrator's.
HANDED_OVER = """
stat -L -c '%a %n' .local/user.sh .local/admin.sh
(source .local/admin.sh; .venv/aws/bin/aws sts get-caller-identity)
"""


def exports(environment: dict[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())


def bash(script: str, directory: Path, environment: dict[str, str]) -> str:
    return run(["bash", "-e", "-o", "pipefail"], script, directory, environment)


def run(shell: list[str], script: str, directory: Path, environment: dict[str, str]) -> str:
    """Run a script, and return what it printed."""
    done = subprocess.run(
        shell,
        input=script,
        cwd=directory,
        env=PERSON | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_of_the_readme_runs_in_its_order(stack: Stack, checkout: Path) -> None:
    script = ""
    for number, block in enumerate(blocks(README, "sh")):
        if "make deploy" in block:  # "with AWS credentials and a region in your environment"
            script += exports({k: v for k, v in stack.aws.environment().items() if k.startswith("AWS_")})
            script += exports({"YES": "1"})  # there is no terminal to be asked on
        script += f"echo '=== {number}'\n{block}echo\n"
    # The one is run by test_demo.py, and the other runs this test: .ci/run calls it. One is left running here.
    assert "\nmake demo\nmake test\n" in script
    script = script.replace("\nmake demo\nmake test\n", "\n")
    script = script.replace("\nmake demo KEEP=1\n", f"\nmake demo KEEP=1\n{HANDED_OVER}", 1)
    started = Marked(checkout / ".local")
    try:
        output = bash(script, checkout, started.environment)
    finally:
        bash("make stop", checkout, {})
    assert "\n600 .local/user.sh\n600 .local/admin.sh\n" in output and f'"arn:aws:iam::{ACCOUNT}:root"' in output
    assert "Stopped 1 local AWS." in output and started.left_nothing()
    assert not (checkout / ".local/user.sh").is_symlink() and not (checkout / ".local/admin.sh").is_symlink()
    printed = dict(re.findall(r"^=== (\d+)\n(.*?)(?=^=== |\Z)", output, re.M | re.S))
    (ask,) = [number for number, block in enumerate(blocks(README, "sh")) if block.startswith("curl")]
    promised = json.loads(blocks(README, "json")[0])
    assert _shape(json.loads(printed[str(ask)])) == _shape(promised)
    assert "its role is               arn:aws:iam::278805249149:role/credvend-prod-" in output
    assert "make test" in (ROOT / ".ci/run").read_text()


def _shape(value: object) -> object:
    """The keys, and what does not vary."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    return value if isinstance(value, str) and "assume-role-" in value and not value.startswith("AROA") else type(value)


def test_every_command_of_the_docs_runs(stack: Stack, checkout: Path, tmp_path: Path) -> None:
    signer = stack.add_user("reader-of-the-docs", "sts:GetSessionToken", "execute-api:Invoke")
    given = stack.sts(signer).get_session_token()["Credentials"]
    caller = stack.aws.environment_for(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    caller |= {"CREDVEND_URL": stack.url, "PATH": path_with_aws(tmp_path, caller["PATH"])}
    with jwks_site(tmp_path) as site:
        site.keys = [rsa_key("docs")]
        script = ""
        for document in sorted(DOCUMENTS, key=place):
            if document not in (README, OPERATING):
                script += f"printf '\\n=== %s\\n' {document.name}\n{configured(document, site)}"
                script += "\n".join(blocks(document, "sh"))
        try:
            output = bash(script, checkout, caller)
        finally:
            bash("make stop", checkout, {})
    printed = dict(re.findall(r"^=== (\S+)\n(.*?)(?=^=== |\Z)", output, re.M | re.S))
    assert '"Arn":"arn:aws:iam::278805249149:user/reader-of-the-docs"' in printed["api.md"]
    assert re.search(r"^company +ok +1 key from https://127\.0\.0\.1:\d+/keys$", printed["issuers.md"], re.M)
    (instance,) = re.findall(r"^i-[0-9a-f]+$", printed["local-aws.md"], re.M)[:1]
    for name in ("formats.md", "sdks.md"):
        assert printed[name].count(f'"InstanceId": "{instance}"') == 3
    scoped = printed["scoping.md"]
    assert '"Resource":"arn:aws:s3:::tenant-data/acme/*"' in scoped
    assert "a secret of acme\n" in scoped and "a secret of globex" not in scoped
    assert "\nrefused, for it is another tenant's\n" in scoped


if shutil.which("fish"):

    def test_the_commands_for_fish_run(stack: Stack, tmp_path: Path, instance: str) -> None:
        (command,) = blocks(ROOT / "docs/formats.md", "fish")
        environment = stack.aws.environment()
        environment |= {"CREDVEND_URL": stack.url, "PATH": path_with_aws(tmp_path, environment["PATH"])}
        environment |= {"TOKEN": create(stack, "reader-of-the-docs")}
        assert instance in run(["fish"], command, tmp_path, environment)


def path_with_aws(directory: Path, path: str) -> str:
    """A PATH that has the project's own `aws`, and no other program of its virtualenv."""
    (directory / "bin").mkdir()
    (directory / "bin/aws").symlink_to(programs("aws") / "aws")
    return os.pathsep.join([str(directory / "bin"), path])


def place(document: Path) -> tuple[int, str]:
    """In which order the commands run: those of the pages that go on from local-aws.md after its own."""
    later = ("local-aws.md", "formats.md", "scoping.md", "sdks.md")
    return (later.index(document.name) + 1 if document.name in later else 0), str(document)


def configured(document: Path, site: JwksSite) -> str:
    """What the reader does by hand before the commands: an issuer, or a role and a policy, goes into a file."""
    if document.name == "issuers.md":
        issuer = f"{{name: company, issuer: 'https://id.example.com', audiences: [credvend], jwks_uri: '{site.url}'}}"
        return (
            f"mkdir -p ../my-credvend; echo {shlex.quote(f'issuers: [{issuer}]')} > ../my-credvend/issuers.yaml\n"
            f"export SSL_CERT_FILE={shlex.quote(str(site.authority))}\n"
        )
    if document.name != "scoping.md":
        return "unset SSL_CERT_FILE\n"
    roles = blocks(document, "yaml")[1].removeprefix("roles:\n")
    _, policy = blocks(document, "cedar")
    return (
        f"printf %s {shlex.quote(roles)} >> ../try-credvend/roles.yaml\n"
        f"printf %s {shlex.quote(policy)} > ../try-credvend/policies/tenants.cedar\n"
    )


def test_every_example_of_a_configuration_is_valid(tmp_path: Path) -> None:
    first_line, catalog, accounts, of_many, path = blocks(ROOT / "docs/catalog.md", "yaml")
    # The policies speak of a tag that the callers of such a role may set.
    catalog = catalog.replace("groups: [ec2]", "groups: [ec2]\n    caller_tags: [Project]")
    catalog = catalog.rstrip() + "\n  - {name: shop-deployer, arn: 'arn:aws:iam::278805249149:role/shop-deployer'}\n"
    policies = blocks(ROOT / "docs/policies.md", "cedar")
    about_accounts = [policy for policy in policies if "AccountGroup" in policy]
    assert about_accounts
    load(tmp_path / "policies", first_line + catalog, "issuers: []", [p for p in policies if p not in about_accounts])
    (tmp_path / "many").mkdir()
    (tmp_path / "many/accounts.yaml").write_text(accounts)
    okta = "issuers: [{name: okta, issuer: https://okta.example.com, audiences: [credvend], groups_claim: groups}]"
    many = load(tmp_path / "many", first_line + of_many, okta, about_accounts)
    assert [role.name for role in many.catalog.roles] == ["readonly@payments-prod", "readonly@payments-dev"]
    mine = '@id("one") permit (principal in Account::"111122223333", action, resource);'
    load(tmp_path / "path", first_line + path, "issuers: []", [mine])
    scoping = ROOT / "docs/scoping.md"
    issuers, recipe, *others = blocks(scoping, "yaml")
    together = recipe + "".join(other.removeprefix("roles:\n") for other in others)
    loaded = load(tmp_path / "scoping", together, issuers, blocks(scoping, "cedar"))
    (trusted,) = loaded.trusted_issuers().values()
    (role,) = [role for role in loaded.catalog.roles if role.name == "tenant-data"]
    assert set(role.session_rules.claims) == {tag for tag, _ in trusted.issuer.claims} == {"tenant"}
    for document in DOCUMENTS:
        for example in blocks(document, "json"):
            json.loads(example)


def load(directory: Path, roles: str, issuers: str, policies: list[str]) -> Configuration:
    """A configuration of these files, with nothing in its policies that is likely a mistake."""
    (directory / "policies").mkdir(parents=True)
    shutil.copy(ROOT / "chalicelib/config/schema.cedarschema", directory)
    (directory / "roles.yaml").write_text(roles)
    (directory / "issuers.yaml").write_text(issuers)
    for number, policy in enumerate(policies):
        (directory / f"policies/{number}.cedar").write_text(policy)
    written = read_source(directory, allow_loopback_http=False)
    assert list(policy_warnings(written)) == []
    return written.configuration


def test_every_key_of_a_role_is_documented() -> None:
    schema = json.loads((ROOT / "chalicelib/config/roles.schema.json").read_text())
    table = (ROOT / "docs/catalog.md").read_text()
    keys = {*schema["$defs"]["RoleEntry"]["properties"], *schema["$defs"]["CatalogFile"]["properties"]} - {"roles"}
    accounts = json.loads((ROOT / "chalicelib/config/accounts.schema.json").read_text())
    keys |= accounts["$defs"]["AccountEntry"]["properties"].keys()
    first_cells = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", table, re.M)
    assert set(re.findall(r"\w+", " ".join(first_cells))) == keys


def test_every_make_command_is_told_by_make_itself() -> None:
    told = bash("make", ROOT, {})
    for document in DOCUMENTS:
        for command in re.findall(r"`make ([a-z]+)[^`]*`", document.read_text()):
            assert re.search(rf"^  make {command} ", told, re.M), f"{document.name}: make {command}"
