"""The client's commands for people, and for jobs and pods with tokens of their own, at the deployed service.

People sign in at the real provider, with the device flow or with a browser that follows redirects as all do.
"""

import configparser
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest

from local.aws import ACCOUNT, REGION
from ops.environments import programs
from testing.client import Client
from testing.deployed import MAIN, Json, Key
from testing.loopback import Request, Response, json_response, serve
from testing.operators import create

WRITER: Json = {"groups": ["Readers", "Writers"], "email": "alice@example.com"}
CREDVEND = str(programs("client") / "credvend")
# What a browser does with an address: follows the page and redirects, with cookies, and shows what comes.
BROWSER = """
import html, http.cookiejar, re, sys, urllib.request
handlers = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({})
opener = urllib.request.build_opener(*handlers)
with opener.open(sys.argv[1]) as file:
    address = html.unescape(re.search('0;url=([^"]*)"', file.read().decode())[1])
with opener.open(address, timeout=60) as page, open(sys.argv[2], "a") as seen:
    seen.write(f"{sys.argv[1]}\\n{page.geturl()}\\n{page.read().decode()}\\n")
"""


@pytest.fixture
def person(client: Client) -> Client:
    """The shell of somebody without any AWS key, where credvend is configured for signing in."""
    provider = client.stack.oidc
    shell = client.without("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION", "CREDVEND_")
    configured = shell.run(
        *("configure", "--url", client.stack.url, "--auth", "login", "--issuer", provider.issuer),
        *("--client-id", provider.login_client, "--audience", provider.audience),
    )
    assert configured.returncode == 0, configured.stderr
    return shell


def sign_in(person: Client, subject: str = "alice@example.com", claims: Json = WRITER) -> str:
    """Sign in with the device flow; what the command printed."""
    command = [CREDVEND, "login"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=person.environment, stdout=pipe, stderr=pipe, text=True) as login:
        assert login.stderr is not None and login.stdout is not None
        said = login.stderr.readline()
        code = re.search(r"code: ([A-Z-]+)$", said.strip())
        assert code is not None and person.stack.oidc.issuer in said, said
        person.stack.oidc.approve(code[1], subject, claims)
        out = login.stdout.read()
        assert login.wait(60) == 0, login.stderr.read()
    return out


def session_file(person: Client) -> Path:
    (path,) = (person.home / ".local/state/credvend").glob("login-*.json")
    return path


def age(person: Client) -> None:
    """Let the sign-in's token end, as waiting would."""
    path = session_file(person)
    session = json.loads(path.read_text())
    session["expires"] -= 1000
    session["obtained"] -= 1000
    path.write_text(json.dumps(session))


def test_a_person_signs_in_with_a_code_and_gets_credentials_that_work(person: Client) -> None:
    assert person.run("whoami").returncode == 3
    out = sign_in(person)
    assert "Signed in as alice@example.com." in out and "Your refresh token is in the file" in out
    seen = person.json("whoami", "--json")
    assert (seen["Type"], seen["Subject"], seen["Groups"]) == (
        "OidcSubject",
        "alice@example.com",
        ["Readers", "Writers"],
    )
    key = person.remember(person.json("get", "brief"))
    arn = person.stack.sts(key).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/brief/oidc=local=alice@example.com"


def test_a_person_who_says_no_is_not_signed_in(person: Client) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([CREDVEND, "login"], env=person.environment, stdout=pipe, stderr=pipe, text=True) as login:
        assert login.stderr is not None
        code = login.stderr.readline().strip().rpartition(" ")[2]
        person.stack.oidc.deny(code)
        assert login.wait(60) == 3
        assert login.stderr.read() == "credvend: The sign-in was refused in the browser.\n"
    assert person.run("whoami").returncode == 3


def test_a_sign_in_is_renewed_by_one_of_many_processes_again_and_again(person: Client) -> None:
    """The provider takes a second use of a refresh token for theft, and ends the sign-in."""
    sign_in(person)
    secrets = set()
    for _ in range(3):
        (secret,) = (person.home / ".local/state/credvend").glob("*.secret")
        secrets.add(secret.read_text())
        age(person)
        pipe = subprocess.PIPE
        command = [CREDVEND, "whoami", "--json"]
        running = [
            subprocess.Popen(command, env=person.environment, stdout=pipe, stderr=pipe, text=True) for _ in range(6)
        ]
        said = [process.communicate(timeout=120) for process in running]
        assert {process.returncode for process in running} == {0}, said
    assert len(secrets) == 3


def test_a_logout_ends_the_sign_in_here_and_at_the_provider(person: Client) -> None:
    sign_in(person)
    person.remember(person.json("get", "brief"))
    kept = {path: path.read_bytes() for path in (person.home / ".local/state/credvend").iterdir()}
    assert "The OpenID provider has revoked the refresh token." in person.output("logout")
    assert person.run("get", "brief").returncode == 3
    assert not list((person.home / ".cache/credvend").glob("*.entry"))
    # Whoever had copied the files has a token until it ends, and no other.
    for path, content in kept.items():
        path.write_bytes(content)
        path.chmod(0o600)
    age(person)
    refused = person.run("whoami")
    assert refused.returncode == 3 and "has ended your sign-in: run `credvend login`" in refused.stderr


def with_browser(person: Client, tmp_path: Path) -> tuple[Client, Path]:
    """The shell with a browser, and the file where that says where it was and what it saw."""
    program, seen = tmp_path / "browser.py", tmp_path / "seen"
    program.write_text(BROWSER)
    command = shlex.join([sys.executable, str(program)]) + f" %s {shlex.quote(str(seen))}"
    return person.with_variables(BROWSER=command), seen


def test_a_person_signs_in_with_the_browser_and_another_takes_their_place(person: Client, tmp_path: Path) -> None:
    browsing, seen = with_browser(person, tmp_path)
    for subject in ("carol@example.com", "dave@example.com"):
        person.stack.oidc.sign_in(subject, WRITER | {"email": subject})
        assert f"Signed in as {subject}." in browsing.output("login", "--browser")
        assert person.json("whoami", "--json")["Subject"] == subject
        answer = person.json("get", "brief")
        person.remember(answer)
        assert answer["SourceIdentity"] == f"oidc=local={subject}"  # not what is cached for the other
    started, ended, *page = seen.read_text().splitlines()
    assert started.startswith("file:///") and not Path(urlsplit(started).path).exists()
    assert "/callback?" in ended and "Back to the terminal" in " ".join(page)
    age(person)
    assert person.json("whoami", "--json")["Subject"] == "dave@example.com"


def test_a_no_in_the_browser_is_a_no(person: Client, tmp_path: Path) -> None:
    browsing, seen = with_browser(person, tmp_path)
    person.stack.oidc.sign_in(None)
    refused = browsing.run("login", "--browser")
    assert refused.returncode == 3 and "access_denied" in refused.stderr
    assert "You are not signed in" in seen.read_text()


def test_no_file_of_a_sign_in_is_readable_by_others(person: Client) -> None:
    sign_in(person)
    person.remember(person.json("get", "brief"))
    for directory in (person.home / ".local/state/credvend", person.home / ".cache/credvend"):
        assert directory.stat().st_mode & 0o077 == 0
        assert {path.stat().st_mode & 0o177 for path in directory.iterdir()} == {0}


@contextmanager
def serving(client: Client, *words: str) -> Iterator[tuple[Client, "subprocess.Popen[str]"]]:
    """A shell that has its credentials from `credvend serve` alone."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [CREDVEND, "serve", *words], env=client.environment, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = [shlex.split(line) for line in process.stdout]  # to their end, which is not that of `serve`
            variables = dict(words[1].split("=", 1) for words in lines if words[0] == "export")
            yield client.without("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION").with_variables(**variables), process
        finally:
            process.terminate()
            process.wait(60)


def test_serve_gives_an_sdk_and_the_aws_cli_the_role(client: Client) -> None:
    with serving(client, "instances") as (shell, process):
        code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
        done = shell.command(client.python, "-c", code)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/user=alice@{ACCOUNT}"
        aws = [str(programs("aws") / "python"), "-m", "awscli", "--region", REGION]
        done = shell.command(*aws, "ec2", "describe-instances")
        assert done.returncode == 0, done.stderr
        wrong = shell.with_variables(AWS_CONTAINER_AUTHORIZATION_TOKEN="guessed")
        assert wrong.command(*aws, "sts", "get-caller-identity").returncode != 0
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_serve_is_refused_what_the_caller_may_not_have(client: Client) -> None:
    assert client.run("serve", "forbidden").returncode == 4


def test_console_signs_in_with_credentials_that_aws_takes(client: Client, tmp_path: Path) -> None:
    """The local AWS has no federation endpoint, so this one asks its STS whose the credentials are."""
    arns: list[str] = []

    def federate(request: Request) -> Response:
        if request.method == "GET":  # the browser, with what it was given
            return json_response({})
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        session = json.loads(form["Session"])
        key = Key(session["sessionId"], session["sessionKey"], session["sessionToken"])
        client.stack.vended.append(key)
        arns.append(client.stack.sts(key).get_caller_identity()["Arn"])
        assert form["Action"] == "getSigninToken" and "SessionDuration" not in form
        return json_response({"SigninToken": "the-sign-in-token"})

    with serve(federate) as federation:
        shell = client.with_variables(CREDVEND_CONSOLE_URL=f"{federation.url}/federation")
        address = shell.output("console", "instances", "--service", "ec2", "--region", REGION, "--print").strip()
        browsing, seen = with_browser(shell, tmp_path)
        opened = browsing.run("console", "instances")
        assert opened.returncode == 0 and opened.stdout == "", opened.stderr
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.path, query.pop("Issuer")) == ("/federation", client.stack.url)
    assert query == {
        "Action": "login",
        "Destination": f"https://console.aws.amazon.com/ec2/home?region={REGION}",
        "SigninToken": "the-sign-in-token",
    }
    assert set(arns) == {f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/user=alice@{ACCOUNT}"}
    started, ended, *_ = seen.read_text().splitlines()
    assert "the-sign-in-token" not in started and "SigninToken=the-sign-in-token" in ended


def test_configure_writes_a_profile_for_each_role_that_then_works(client: Client) -> None:
    keys = client.home / ".aws" / "credentials"
    keys.parent.mkdir()
    alice = client.stack.alice
    keys.write_text(
        f"[alice]\naws_access_key_id = {alice.access_key_id}\naws_secret_access_key = {alice.secret_access_key}\n"
    )
    own = "[default]\nregion = eu-west-1\n\n[profile brief]\nregion = eu-west-1\n"
    config = client.home / ".aws" / "config"
    config.write_text(own)
    shell = client.without("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION", "AWS_CONFIG", "AWS_SHARED", "CREDVEND_")
    shell.output("configure", "--url", client.stack.url, "--auth", "sigv4", "--profile", "alice", "--region", REGION)
    preview = shell.output("configure", "--profiles", "--dry-run")
    assert "+[profile instances]" in preview and config.read_text() == own
    refused = shell.run("configure", "--profiles")
    assert refused.returncode == 2 and config.read_text() == own
    done = shell.run("configure", "--profiles", "--yes", "--region", REGION)
    assert done.returncode == 0, done.stderr
    assert "left out: brief" in done.stderr and "left out: reasoned" in done.stderr
    written = config.read_text()
    assert written.startswith(own)
    assert "needs no change" in shell.output("configure", "--profiles", "--yes") and config.read_text() == written
    (backup,) = config.parent.glob("*.bak")
    assert backup.read_text() == own
    parsed = configparser.RawConfigParser()
    parsed.read_string(written)
    roles = cast(list[Json], shell.json("roles", "--json"))
    expected = {f"profile {role['Role']}" for role in roles if not (role["ReasonRequired"] or role["Params"])}
    assert set(parsed.sections()) == expected | {"default", "profile brief"}
    assert parsed["profile instances"]["region"] == REGION
    aws = [str(programs("aws") / "python"), "-m", "awscli", "--profile", "instances"]
    called = shell.command(*aws, "sts", "get-caller-identity")
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout)["Arn"].endswith(f"assumed-role/instances/user=alice@{ACCOUNT}")
    shell.output("configure", "--profiles", "--remove", "--yes")
    assert config.read_text().rstrip() == own.rstrip()


def test_an_api_token_is_kept_by_configure_and_used(client: Client) -> None:
    token = create(client.stack, "configured-report", "--tag", "team=data")
    shell = client.without("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION", "CREDVEND_")
    done = shell.run("configure", "--url", client.stack.url, "--auth", "token", "--token-stdin", input=token + "\n")
    assert done.returncode == 0 and token not in done.stdout + done.stderr, done.stderr
    assert shell.json("whoami", "--json")["Name"] == "configured-report"


def test_completion_knows_the_callers_roles(client: Client) -> None:
    script = 'eval "$(credvend completion bash)"; COMP_WORDS=(credvend get inst); COMP_CWORD=2\n'
    script += '_credvend_completion credvend; printf "%s\\n" "${COMPREPLY[@]}"'
    path = f"{programs('client')}:{client.environment['PATH']}"
    done = client.with_variables(PATH=path).command("bash", "--norc", "-uc", script)
    assert (done.stdout, done.stderr) == ("instances\n", "")


def test_a_github_job_a_gitlab_job_and_a_pod_get_what_their_tokens_may_have(client: Client, tmp_path: Path) -> None:
    provider = client.stack.oidc
    bare = client.without("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION")

    def github(request: Request) -> Response:
        if request.headers["Authorization"] != "Bearer the-jobs":
            return json_response({}, 401)
        audience = parse_qs(urlsplit(request.path).query)["audience"][0]
        return json_response({"value": provider.client_token("deployer", MAIN, audience=audience)})

    token_file = tmp_path / "token"
    token_file.write_text(provider.client_token("deployer", MAIN))
    with serve(github) as endpoint:
        asking = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{endpoint.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-jobs",
        }
        shells = [
            bare.with_variables(**asking, CREDVEND_AUDIENCE=provider.audience),
            bare.with_variables(GITLAB_CI="true", CREDVEND_ID_TOKEN=provider.client_token("deployer", MAIN)),
            bare.with_variables(CREDVEND_AUTH="kubernetes", CREDVEND_TOKEN_FILE=str(token_file)),
        ]
        for shell in shells:
            answer = shell.json("get", "instances")
            shell.remember(answer)
            assert answer["SourceIdentity"] == "oidc=local=deployer"
            assert shell.run("get", "brief").returncode == 4
        # For another audience than the service's, a token is worth nothing.
        assert bare.with_variables(**asking, CREDVEND_AUDIENCE="urn:another").run("whoami").returncode == 3


def test_nothing_secret_is_shown_with_verbose(person: Client) -> None:
    sign_in(person)
    age(person)
    done = person.run("--verbose", "get", "brief")
    key = person.remember(json.loads(done.stdout))
    secrets = [
        key.secret_access_key,
        str(key.session_token),
        str(json.loads(session_file(person).read_text())["token"]),
    ]
    secrets += [path.read_text() for path in (person.home / ".local/state/credvend").glob("*.secret")]
    assert "renewing the sign-in" in done.stderr and not any(secret in done.stderr for secret in secrets)
    assert time.time() < json.loads(session_file(person).read_text())["expires"]
