"""A browser that keeps each role apart, so that the console of several accounts is open side by side.

The console is signed in once for each set of cookies. So a role gets a profile of its own, in a directory of ours, or
a container of Firefox, which an extension opens: it takes links of a scheme of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from credvend import lean
from credvend.disk.private_files import private_directory
from credvend.errors import UsageError
from credvend.net.private_page import Start

# The schemes of the extensions "Open external links in a container" and "Granted Containers".
# https://github.com/honsiorovskyi/open-url-in-container, https://docs.commonfate.io/granted/introduction
CONTAINER = "ext+container"
GRANTED = "ext+granted-containers"

_FIREFOXES = ("firefox", "firefox-esr", "/Applications/Firefox.app/Contents/MacOS/firefox")
_CHROMES = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Brave Browser.app/Contents/MacOS/Brave Browser",
)
_FIREFOX_KIND = re.compile(r"firefox|librewolf|waterfox", re.I)
_CHROME_KIND = re.compile(r"chrom|edge|brave|vivaldi", re.I)
# Seconds in which a browser that cannot start has said so.
_FAILS_WITHIN = 1.0


class Browser(NamedTuple):
    """A program with a window.

    Attributes:
        is_firefox: else it is of Chrome's kind.
    """

    program: str
    is_firefox: bool


def find_browser(named: str | None, environ: Mapping[str, str], *, only_firefox: bool = False) -> Browser:
    """The browser that is named, or the first that is there: Firefox last, unless it must be that.

    Raises:
        UsageError: it is not there, or of no kind whose options are known.
    """
    candidates = (named,) if named else _FIREFOXES if only_firefox else (*_CHROMES, *_FIREFOXES)
    programs = (shutil.which(name, path=environ.get("PATH")) for name in candidates)
    program = next(filter(None, programs), None)
    if program is None and named:
        raise UsageError(f"There is no program {named}: --browser takes a name on PATH, or a path.")
    if program is None:
        kinds = "Firefox" if only_firefox else "Chrome, Chromium, Edge or Firefox"
        raise UsageError(f"There is no {kinds} on PATH: install one, or name its program by --browser.")
    is_firefox = bool(_FIREFOX_KIND.search(os.path.basename(program)))
    if only_firefox and not is_firefox:
        raise UsageError(f"Only Firefox has containers: name one by --browser, not {named}.")
    if not is_firefox and not _CHROME_KIND.search(os.path.basename(program)):
        raise UsageError(f"How {named} is given a profile is not known: name a Chrome, Chromium, Edge or Firefox.")
    return Browser(program, is_firefox)


def start_profile(browser: Browser, name: str, key: str, environ: Mapping[str, str]) -> Start:
    """What starts a browser in a profile of ours, which is made if it is not there.

    Args:
        name: what people know it by.
        key: tells profiles with one name apart.

    Raises:
        UsageError: no directory can be made for it, or others can get into that.
    """
    directory = private_directory(os.path.join(_profiles(environ), f"{_slug(name)}-{lean.sha256(key)[:12]}"))
    # Started again with its directory, a browser opens a tab in the window that it has.
    options = (
        ["--profile", directory]
        if browser.is_firefox
        else [f"--user-data-dir={directory}", "--no-first-run", "--no-default-browser-check"]
    )
    return starting([browser.program, *options], environ)


def starting(command: Sequence[str], environ: Mapping[str, str]) -> Start:
    """What starts a program with a page as its last argument, and leaves it running."""

    def start(page: str) -> bool:
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            [*command, page], env=dict(environ), stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
        try:
            return process.wait(_FAILS_WITHIN) == 0
        except subprocess.TimeoutExpired:
            threading.Thread(target=process.wait, daemon=True).start()
            return True

    return start


def container_link(scheme: str, name: str, address: str) -> str:
    """What has an extension of Firefox open an address in the container of a name, which it makes if need be."""
    return f"{scheme}:name={quote(name, safe='')}&url={quote(address, safe='')}"


def _profiles(environ: Mapping[str, str]) -> str:
    # Browsers that are snaps see nothing that is hidden at home.
    if os.path.isdir(lean.home_path(environ, "snap")):
        return private_directory(lean.home_path(environ, "credvend-browsers"))
    return private_directory(os.path.join(private_directory(lean.state_directory(environ)), "browsers"))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", name)[:40].strip("-")
