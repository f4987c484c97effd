"""Secrets stay where nobody else can get at them, and whoever saves one is told where that is."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from fake_keyring import Ring

from credvend.disk import secret_store
from credvend.errors import AuthenticationError, UsageError

NAME = "login https://credvend.example.com"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def no_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)


def the_file(environ: dict[str, str]) -> Path:
    (path,) = Path(environ["XDG_STATE_HOME"], "credvend").glob("*.secret")
    return path


@pytest.mark.usefixtures("no_ring")
def test_without_a_keyring_a_secret_is_in_a_file_that_is_named_and_only_its_owner_can_read(
    environ: dict[str, str],
) -> None:
    before = os.umask(0)
    try:
        place = secret_store.save(NAME, "the-secret", environ)
    finally:
        os.umask(before)
    path = the_file(environ)
    assert place.kind == "file" and str(path) in place.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert secret_store.read(NAME, environ) == "the-secret"
    assert secret_store.read("login https://another.example.com", environ) is None


@pytest.mark.parametrize("here", [{"HOME": "."}, {"HOME": "~"}, {"XDG_CONFIG_HOME": ".config"}])
def test_a_keyring_that_would_be_configured_by_the_working_directory_is_left_alone(
    environ: dict[str, str], ring: Ring, here: dict[str, str]
) -> None:
    """Its configuration names the code that it runs."""
    assert secret_store.has_keyring(environ) and secret_store.has_keyring({**environ, "XDG_CONFIG_HOME": ""})
    assert not secret_store.has_keyring({**environ, **here})
    assert secret_store.save(NAME, "the-secret", {**environ, **here}).kind == "file" and ring.kept == {}


@pytest.mark.usefixtures("no_ring")
def test_a_later_secret_takes_the_place_of_an_earlier_one_and_a_deleted_one_is_gone(environ: dict[str, str]) -> None:
    secret_store.save(NAME, "first", environ)
    secret_store.save(NAME, "second", environ)
    assert secret_store.read(NAME, environ) == "second"
    assert secret_store.delete(NAME, environ) is True
    assert secret_store.delete(NAME, environ) is False
    assert secret_store.read(NAME, environ) is None


def test_a_keyring_is_used_where_there_is_one_and_the_file_is_gone_then(
    environ: dict[str, str], ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.locked = True
    assert secret_store.save(NAME, "in the file", environ).kind == "file"
    ring.locked = False
    place = secret_store.save(NAME, "in the ring", environ)
    assert (place.kind, place.text) == ("keyring", "the operating system's keyring (Ring of the test)")
    assert not list(Path(environ["XDG_STATE_HOME"], "credvend").glob("*.secret"))
    assert secret_store.read(NAME, environ) == "in the ring"
    assert secret_store.delete(NAME, environ) is True and ring.kept == {}


def test_a_keyring_that_keeps_nothing_is_not_trusted_with_the_only_copy(environ: dict[str, str], ring: Ring) -> None:
    ring.forgetful = True
    assert secret_store.save(NAME, "the-secret", environ).kind == "file"
    assert secret_store.read(NAME, environ) == "the-secret"


def test_a_backend_that_keyring_does_not_recommend_is_not_used(environ: dict[str, str], ring: Ring) -> None:
    ring.priority = 0.5  # as the one that keeps plain text
    assert secret_store.save(NAME, "the-secret", environ).kind == "file"
    assert ring.kept == {}


def test_people_can_switch_the_keyring_off(environ: dict[str, str], ring: Ring) -> None:
    assert secret_store.save(NAME, "the-secret", {**environ, "CREDVEND_KEYRING": "off"}).kind == "file"
    assert ring.kept == {}


def test_a_locked_keyring_is_told_of_without_its_own_words(environ: dict[str, str], ring: Ring) -> None:
    secret_store.save(NAME, "the-secret", environ)
    ring.locked = True
    with pytest.raises(AuthenticationError, match="unlock") as raised:
        secret_store.read(NAME, environ)
    assert "the-secret" not in str(raised.value)


def test_a_secret_that_a_locked_keyring_may_keep_is_not_said_to_be_gone(environ: dict[str, str], ring: Ring) -> None:
    assert secret_store.delete(NAME, environ) is False
    secret_store.save(NAME, "the-secret", environ)
    ring.locked = True
    with pytest.raises(AuthenticationError, match="unlock"):
        secret_store.delete(NAME, environ)
    ring.locked = False
    assert secret_store.delete(NAME, environ) is True


def test_a_keyring_that_was_locked_all_along_keeps_nobody_from_deleting(environ: dict[str, str], ring: Ring) -> None:
    ring.locked = True
    secret_store.save(NAME, "the-secret", environ)
    assert secret_store.delete(NAME, environ) is True


@pytest.mark.usefixtures("no_ring")
def test_a_secret_that_others_could_read_or_that_hides_behind_a_link_is_not_taken(environ: dict[str, str]) -> None:
    secret_store.save(NAME, "the-secret", environ)
    path = the_file(environ)
    path.chmod(0o644)
    with pytest.raises(AuthenticationError, match="chmod 600"):
        secret_store.read(NAME, environ)
    path.chmod(0o600)
    path.parent.chmod(0o755)
    with pytest.raises(AuthenticationError, match="chmod 700"):
        secret_store.read(NAME, environ)
    with pytest.raises(UsageError, match="chmod 700"):
        secret_store.save(NAME, "another", environ)
    path.parent.chmod(0o700)
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))
    with pytest.raises(AuthenticationError, match="link"):
        secret_store.read(NAME, environ)


@pytest.mark.usefixtures("no_ring")
def test_writing_never_follows_a_link(environ: dict[str, str], tmp_path: Path) -> None:
    secret_store.save(NAME, "the-secret", environ)
    path, victim = the_file(environ), tmp_path / "victim"
    path.unlink()
    victim.write_text("untouched")
    path.symlink_to(victim)
    secret_store.save(NAME, "the-secret", environ)
    assert victim.read_text() == "untouched" and not path.is_symlink()
