"""Tokens that a CI job or a pod was given, or may ask for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from loopback import Answer, Asked, serving

from credvend import lean
from credvend.auth.methods.github import with_audience
from credvend.auth.registry import authenticator
from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, CredvendError

URL = "https://credvend.example.com/api"


@dataclass
class Github:
    """GitHub's endpoint for a job's token, on loopback."""

    url: str = ""
    status: int = 200
    body: bytes = b'{"value": "a.b.c", "count": 1}'
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def github() -> Iterator[Github]:
    with _github() as endpoint:
        yield endpoint


@contextlib.contextmanager
def _github() -> Iterator[Github]:
    endpoint = Github()

    def answer(asked: Asked) -> Answer:
        endpoint.asked.append((asked.path, asked.headers["authorization"]))
        return Answer(endpoint.status, endpoint.body)

    with serving(answer) as url:
        endpoint.url = f"{url}/token?api-version=2.0"
        yield endpoint


def headers(config: Config, environ: dict[str, str]) -> dict[str, str]:
    found = authenticator(config, environ)
    assert found.scheme == "bearer"
    return found.headers("POST", f"{URL}/v1/credentials", b"{}")


def test_a_github_job_asks_for_a_token_for_the_right_audience(github: Github, tmp_path: Path) -> None:
    environ = {
        "HOME": str(tmp_path),
        "ACTIONS_ID_TOKEN_REQUEST_URL": github.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-jobs",
    }
    assert headers(Config(url=URL), environ) == {"Authorization": "Bearer a.b.c"}
    assert github.asked == [("/token?api-version=2.0&audience=credvend", "Bearer the-jobs")]
    headers(Config(url=URL, audience="https://credvend.example.com/a b&c"), environ)
    asked = "/token?api-version=2.0&audience=https%3A%2F%2Fcredvend.example.com%2Fa+b%26c"
    assert github.asked[1] == (asked, "Bearer the-jobs")


def test_an_audience_that_stands_in_githubs_address_is_replaced() -> None:
    assert with_audience("https://g.example/t?a=&audience=other", "credvend") == (
        "https://g.example/t?a=&audience=credvend"
    )


def test_a_command_asks_github_once(github: Github, tmp_path: Path) -> None:
    environ = {
        "HOME": str(tmp_path),
        "ACTIONS_ID_TOKEN_REQUEST_URL": github.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-jobs",
    }
    found = authenticator(Config(url=URL), environ)
    for _ in range(3):
        found.headers("GET", f"{URL}/v1/roles", b"")
    assert len(github.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b"[]"), (200, b"{}"), (200, b'{"value": 7}'), (200, b'{"value": ""}'), (403, b"{}"), (404, b"")],
)
def test_what_github_does_not_give_is_told_with_what_to_do(
    github: Github, tmp_path: Path, status: int, body: bytes
) -> None:
    environ = {
        "HOME": str(tmp_path),
        "ACTIONS_ID_TOKEN_REQUEST_URL": github.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-jobs",
    }
    github.status, github.body = status, body
    with pytest.raises(AuthenticationError, match=r"id-token: write|GitHub's own") as raised:
        headers(Config(url=URL), environ)
    assert "the-jobs" not in str(raised.value)


def test_a_github_job_that_may_not_ask_is_told_what_its_workflow_lacks(tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match="`permissions: id-token: write`"):
        headers(Config(url=URL, auth="github"), {"HOME": str(tmp_path)})


def test_the_jobs_secret_is_never_sent_over_plain_http(tmp_path: Path) -> None:
    environ = {
        "HOME": str(tmp_path),
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://github.example.com/token",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-jobs",
    }
    with pytest.raises(CredvendError, match="https://"):
        headers(Config(url=URL), environ)


def test_a_gitlab_job_uses_the_token_it_was_given(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "GITLAB_CI": "true", lean.GITLAB_TOKEN: "a.b.c\n"}
    assert headers(Config(url=URL), environ) == {"Authorization": "Bearer a.b.c"}


def test_a_gitlab_job_without_a_token_is_told_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match=r"id_tokens: {CREDVEND_ID_TOKEN: {aud: credvend}}"):
        headers(Config(url=URL, auth="gitlab"), {"HOME": str(tmp_path), "GITLAB_CI": "true"})


def test_a_pod_uses_the_token_that_the_kubelet_renews(tmp_path: Path) -> None:
    token = tmp_path / "token"
    config = Config(url=URL, auth="kubernetes", token_file=str(token))
    found = authenticator(config, {"HOME": str(tmp_path)})
    seen = []
    for content in ("a.b.c", "d.e.f"):
        token.write_text(content + "\n")
        seen.append((found.headers("GET", URL, b""), found.cache_identity()))
    assert [sent for sent, _ in seen] == [{"Authorization": "Bearer a.b.c"}, {"Authorization": "Bearer d.e.f"}]
    assert seen[0][1] != seen[1][1]


def test_a_pod_without_a_token_is_told_to_mount_one(tmp_path: Path) -> None:
    for content in (None, "", "two words"):
        token = tmp_path / "token"
        if content is not None:
            token.write_text(content)
        with pytest.raises(AuthenticationError, match="mount a projected service account token") as raised:
            headers(Config(url=URL, auth="kubernetes", token_file=str(token)), {"HOME": str(tmp_path)})
        assert "two words" not in str(raised.value)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A token as Kubernetes projects it: behind two links, readable for all."""
    real = tmp_path / "..2026" / "token"
    real.parent.mkdir()
    real.write_text("a.b.c")
    real.chmod(0o644)
    (tmp_path / "..data").symlink_to("..2026")
    link = tmp_path / "token"
    link.symlink_to("..data/token")
    return link


@pytest.mark.parametrize("method", ["token-file", "kubernetes"])
def test_a_token_that_others_can_write_is_not_sent(tmp_path: Path, token_file: Path, method: str) -> None:
    config = Config(url=URL, auth=method, token_file=str(token_file))
    assert headers(config, {"HOME": str(tmp_path)}) == {"Authorization": "Bearer a.b.c"}
    token_file.chmod(0o646)
    with pytest.raises(AuthenticationError, match="chmod go-w"):
        headers(config, {"HOME": str(tmp_path)})


@pytest.mark.parametrize("method", ["token-file", "kubernetes"])
def test_a_token_that_somebody_else_put_there_is_not_sent(
    tmp_path: Path, token_file: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(url=URL, auth=method, token_file=str(token_file))
    status = os.stat_result((0o100644, 0, 0, 1, 12_345, 0, 0, 0, 0, 0))
    monkeypatch.setattr(os, "fstat", lambda _: status)
    with pytest.raises(AuthenticationError, match="another user"):
        headers(config, {"HOME": str(tmp_path)})


def test_a_token_that_others_can_read_is_warned_of_where_that_is_not_the_custom(
    tmp_path: Path, token_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, mode, warned in (
        ("token-file", 0o644, True),
        ("token-file", 0o600, False),
        ("kubernetes", 0o644, False),
    ):
        token_file.chmod(mode)
        headers(Config(url=URL, auth=name, token_file=str(token_file)), {"HOME": str(tmp_path)})
        assert ("other users can read" in capsys.readouterr().err) is warned


def test_the_cache_tells_jobs_apart(tmp_path: Path) -> None:
    seen = {
        authenticator(
            Config(url=URL, auth=name, audience=audience), {"HOME": str(tmp_path), **environ}
        ).cache_identity()
        for name, audience, environ in (
            ("github", None, {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://g", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "1"}),
            ("github", None, {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://g", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "2"}),
            ("github", "x", {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://g", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "2"}),
            ("gitlab", None, {lean.GITLAB_TOKEN: "a.b.c"}),
            ("gitlab", None, {lean.GITLAB_TOKEN: "a.b.d"}),
        )
    }
    assert len(seen) == 5
    assert not any(secret in identity for identity in seen for secret in ("a.b.c", "https://g"))


@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16"])
def test_a_token_file_as_windows_writes_it_is_read_and_is_the_same_caller(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "token"
    path.write_bytes("cvt_one\r\n".encode(encoding))
    path.chmod(0o600)
    config = Config(url=URL, auth="token-file", token_file=str(path))
    environ = {"HOME": str(tmp_path)}
    assert headers(config, environ) == {"Authorization": "Bearer cvt_one"}
    caller = authenticator(config, environ).cache_identity()
    assert caller == lean.identity("token-file", {"token_file": str(path)}, environ) == lean.sha256("cvt_one")


@pytest.mark.parametrize("other", ["/dev/null", "/dev/zero", "pipe"])
def test_a_token_file_that_is_no_file_is_neither_waited_for_nor_to_be_changed(tmp_path: Path, other: str) -> None:
    path = tmp_path / other  # which an absolute one replaces
    if other == "pipe":
        os.mkfifo(path)
    with pytest.raises(AuthenticationError, match="not a regular file") as refused:
        headers(Config(url=URL, auth="token-file", token_file=str(path)), {"HOME": str(tmp_path)})
    assert "chmod" not in refused.value.message
    with pytest.raises(lean.Unreadable, match="not a regular file"):
        lean.identity("token-file", {"token_file": str(path)}, {})
