"""Where there is no fcntl, and no users and modes as POSIX has them, credvend runs all the same.

This hides what there is here. It has not been run on such a system.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fake_service import SECRET, FakeService

# Taken away before anything of credvend is imported. (What the interpreter itself needs for its end stays.)
HIDDEN = """
import os, sys
for name in ("fcntl", "pwd", "grp", "termios", "resource"):
    sys.modules[name] = None
for name in ("geteuid", "getuid", "getegid", "getgid", "fchown", "chown", "mkfifo", "getpgid", "killpg"):
    delattr(os, name)
for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_DIRECTORY", "O_TMPFILE"):
    delattr(os, name)
"""
MAIN = "from credvend.cli import main\nsys.exit(main())"


def credvend(environ: dict[str, str], *words: str, hidden: str = HIDDEN) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", hidden + MAIN, *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_it_vends_and_caches_and_clears(service: FakeService, environ: dict[str, str]) -> None:
    first, second = (credvend(environ, "process", "reports") for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "") and json.loads(first.stdout)["SecretAccessKey"] == SECRET
    assert second.stdout == first.stdout and len(service.asked) == 1
    done = credvend(environ, "cache", "clear")
    assert (done.returncode, done.stderr) == (0, "credvend: removed 1 cached credentials\n")


def test_it_writes_its_configuration_and_profiles(service: FakeService, environ: dict[str, str]) -> None:
    service.roles = [{"Role": "reports"}]
    # (filelock takes what says that it is Linux by its word, and wants this one.)
    hidden = HIDDEN + "del os.fchmod\n"
    done = credvend(environ, "configure", "--url", service.url, "--auth", "token", hidden=hidden)
    assert done.returncode == 0, done.stderr
    done = credvend(environ, "configure", "--profiles", "--yes", "--region", "eu-west-1", hidden=hidden)
    assert done.returncode == 0 and "[profile reports]" in Path(environ["HOME"], ".aws/config").read_text(), done.stderr


def test_a_token_file_is_read(environ: dict[str, str], service: FakeService, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("cvt_of-a-file\n")
    del environ["CREDVEND_TOKEN"]
    done = credvend({**environ, "CREDVEND_TOKEN_FILE": str(token)}, "whoami")
    assert done.returncode == 0, done.stderr
    assert service.asked[-1].headers["authorization"] == "Bearer cvt_of-a-file"


def test_a_link_in_the_place_of_a_secret_is_not_followed(
    environ: dict[str, str], service: FakeService, tmp_path: Path
) -> None:
    credvend(environ, "process", "reports")
    (entry,) = Path(environ["HOME"], ".cache/credvend").glob("*.entry")
    entry.rename(tmp_path / "elsewhere")
    entry.symlink_to(tmp_path / "elsewhere")
    credvend(environ, "process", "reports")
    assert len(service.asked) == 2 and not entry.is_symlink()


def test_many_at_once_make_one_request(service: FakeService, environ: dict[str, str]) -> None:
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(credvend(environ, "process", "reports").stdout))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 and len(set(answers)) == 1 and len(service.asked) == 1


def test_whoever_is_killed_while_it_asks_leaves_no_lock(service: FakeService, environ: dict[str, str]) -> None:
    service.gate.clear()
    command = [sys.executable, "-c", HIDDEN + MAIN, "process", "reports"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not service.asked and process.poll() is None:
            pass
        process.kill()
    service.gate.set()
    assert json.loads(credvend(environ, "process", "reports").stdout)["SecretAccessKey"] == SECRET


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there is nothing to hide")
def test_what_is_hidden_is_what_there_is_here() -> None:
    code = HIDDEN + "print(hasattr(os, 'geteuid'), hasattr(os, 'O_NOFOLLOW'))\nimport fcntl"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "False False\n" and "ModuleNotFoundError" in done.stderr
