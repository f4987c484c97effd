"""A stranger cannot fill the function's memory: whatever they ask for, what is kept of it has a bound."""

import json
import subprocess
import sys

from ops.environments import ROOT

REQUESTS, POLICIES = 700, 300


def test_what_a_stranger_asks_for_does_not_stay_in_memory() -> None:
    """Each copy of the policies about anybody, and of the roles that they look at, would take half a megabyte here."""
    command = [sys.executable, "-m", "testing.stranger", str(REQUESTS), str(POLICIES)]
    figures = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    assert set(figures["statuses"]) == {"401", "403"} and sum(figures["statuses"].values()) == REQUESTS
    assert figures["after"] - figures["before"] < 16_000
