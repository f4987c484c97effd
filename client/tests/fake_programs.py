"""Programs that stand in for browsers and for the clipboard's: what each was started with and given is written down."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

# What a browser does: it reads the page, follows it, and notes where the address on it leads.
_BROWSER = """#!{python}
import html, json, os, re, stat, sys, urllib.error, urllib.request
from urllib.parse import parse_qs, unquote, urlsplit
page = unquote(urlsplit(sys.argv[-1]).path)
mode = stat.S_IMODE(os.stat(page).st_mode)
link = html.unescape(re.search('content="0;url=([^"]*)"', open(page).read())[1])
scheme, _, rest = link.partition(":")
address = parse_qs(rest)["url"][0] if scheme.startswith("ext+") else link
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None
led = None
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({{}}), Stay).open(address, timeout=30)
except urllib.error.HTTPError as error:
    led = error.headers["Location"]
    error.close()
seen = dict(argv=sys.argv, link=link, led=led, mode=mode)
with open("{notes}.new", "w") as file:
    json.dump(seen, file)
os.rename("{notes}.new", "{notes}")
"""
_TAKES_A_TEXT = """#!{python}
import json, sys
with open("{notes}", "w") as file:
    json.dump(dict(argv=sys.argv, text=sys.stdin.read()), file)
sys.exit({code})
"""


@dataclass(frozen=True)
class FakeProgram:
    """A program, and the file in which it notes what happened."""

    path: Path
    notes: Path

    def seen(self) -> dict[str, object]:
        """What it noted; empty if it was not started, or has not come to an end."""
        return dict(json.loads(self.notes.read_text())) if self.notes.exists() else {}


def fake_browser(directory: Path, name: str) -> FakeProgram:
    return _made(directory, name, _BROWSER)


def fake_clipboard(directory: Path, name: str, code: int = 0) -> FakeProgram:
    return _made(directory, name, _TAKES_A_TEXT, code)


def _made(directory: Path, name: str, text: str, code: int = 0) -> FakeProgram:
    directory.mkdir(exist_ok=True)
    program = FakeProgram(directory / name, directory / f"{name}.json")
    program.path.write_text(text.format(python=sys.executable, notes=program.notes, code=code))
    program.path.chmod(0o755)
    return program
