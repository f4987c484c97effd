"""A way to authenticate is one file: what is dropped beside the others is offered, checked, explained and used."""

from __future__ import annotations

import importlib
import io
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_service import FakeService

from credvend import lean
from credvend.auth import methods
from credvend.auth.registry import load_checked_config, load_method, method_names
from credvend.command_line import run
from credvend.commands import configure
from credvend.disk.config_file import Config
from credvend.errors import UsageError

MODULE = '''
"""A company's own tokens."""

from credvend.auth.bearer import bearer
from credvend.auth.method import Method, Question, needed
from credvend.errors import AuthenticationError


class CompanyBadge:
    scheme = "bearer"

    def __init__(self, config, environ):
        self._config = config

    def headers(self, method, url, body):
        if self._config.profile == "nobody":
            raise AuthenticationError(METHOD.missing)
        return bearer(f"badge-of-{self._config.profile}")

    def cache_identity(self):
        return self._config.profile


METHOD = Method(
    name="company-badge",
    summary="the badge at your belt",
    missing="You wear no badge: fetch one.",
    authenticator=CompanyBadge,
    questions=(Question("profile", "Whose badge", is_needed=True, check=needed),),
    next_step="show your badge",
)
'''


@pytest.fixture
def badge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    directory = tmp_path / "methods"
    directory.mkdir()
    (directory / "company_badge.py").write_text(MODULE)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(directory)])
    monkeypatch.delitem(sys.modules, "credvend.auth.methods.company_badge", raising=False)
    importlib.reload(configure)
    yield
    monkeypatch.undo()
    importlib.reload(configure)


@pytest.mark.parametrize("name", method_names())
def test_each_method_says_who_it_is_and_what_to_do_without_it(name: str) -> None:
    method = load_method(name)
    assert method.name == name and method.summary and method.missing.endswith((".", "?"))
    asked = {question.setting for question in method.questions}
    assert asked <= set(lean.SETTINGS), "a question asks for what is not among lean.SETTINGS"
    assert method.authenticator(Config(url="https://a.example.com"), {}).scheme in ("sigv4", "bearer")


def test_what_the_fast_path_knows_has_a_module() -> None:
    assert {module.name.replace("_", "-") for module in pkgutil.iter_modules(methods.__path__)} >= set(
        lean.AUTH_METHODS
    )


@pytest.mark.parametrize("name", ["magic", "", "token_file", "../token", "__init__", "auto"])
def test_what_is_no_method_is_not_imported(name: str) -> None:
    with pytest.raises(UsageError, match="auth is one of auto, token, token-file"):
        load_method(name)


@pytest.mark.usefixtures("badge")
def test_a_new_file_is_a_new_method(service: FakeService, environ: dict[str, str]) -> None:
    del environ["CREDVEND_TOKEN"]
    environ |= {"CREDVEND_AUTH": "company-badge", "CREDVEND_PROFILE": "alice"}
    assert load_checked_config(environ).auth == "company-badge"
    assert run(["get", "reports"], environ) == 0
    assert [asked.headers["authorization"] for asked in service.asked] == ["Bearer badge-of-alice"]
    assert run(["get", "reports"], environ) == 0 and len(service.asked) == 1, "its answers are cached, too"
    assert run(["get", "reports"], {**environ, "CREDVEND_PROFILE": "bob"}) == 0 and len(service.asked) == 2
    assert service.asked[-1].headers["authorization"] == "Bearer badge-of-bob"


@pytest.mark.usefixtures("badge")
def test_the_fast_path_leaves_a_new_method_to_the_full_one(service: FakeService, environ: dict[str, str]) -> None:
    environ |= {"CREDVEND_AUTH": "company-badge", "CREDVEND_PROFILE": "alice"}
    assert run(["process", "reports"], environ) == 0
    assert lean.cached_process(["reports"], environ) is None
    with pytest.raises(lean.Unreadable):
        lean.identity("company-badge", lean.read_settings(environ), environ)
    assert run(["process", "reports"], environ) == 0 and len(service.asked) == 1


@pytest.mark.usefixtures("badge")
def test_a_new_method_is_offered_explained_and_completed(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["configure", "--help"], environ) == 0
    assert "|company-badge" in "".join(capsys.readouterr().out.split())
    asked = {"_CREDVEND_COMPLETE": "bash_complete", "COMP_WORDS": "credvend configure --auth c", "COMP_CWORD": "3"}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert run([], {**environ, **asked}) == 0 and capsys.readouterr().out == "plain,company-badge\n"
    assert run(["get", "reports"], {**environ, "CREDVEND_AUTH": "company-badge", "CREDVEND_PROFILE": "nobody"}) == 3
    assert "fetch one" in capsys.readouterr().err
    assert run(["get", "reports"], {**environ, "CREDVEND_AUTH": "magic"}) == 2
    assert ", company-badge" in capsys.readouterr().err


@pytest.mark.usefixtures("badge")
def test_a_new_method_asks_what_it_needs(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del environ["CREDVEND_TOKEN"]
    url = environ.pop("CREDVEND_URL")
    assert run(["configure", "--url", url, "--auth", "company-badge"], environ) == 2
    assert "Whose badge is missing: give --profile" in capsys.readouterr().err
    answers = io.StringIO("company-badge\n\nalice\n")
    monkeypatch.setattr("sys.stdin", answers)
    monkeypatch.setattr("credvend.commands.configure.may_ask", lambda: True)
    assert run(["configure", "--url", url], environ) == 0
    told = capsys.readouterr().err
    assert (
        "company-badge the badge at your belt" in told and told.count("Whose badge") == 2 and "show your badge" in told
    )
    config = load_checked_config(environ)
    assert (config.auth, config.profile) == ("company-badge", "alice")
