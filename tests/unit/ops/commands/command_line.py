"""`credvend-admin` on a configuration directory."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops import admin
from testing.policies import HOME, configuration_directory

POLICIES = f"""
@id("alice") permit (principal == IamUser::"arn:aws:iam::{HOME}:user/alice", action, resource);
@id("dev") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open")
when {{ principal.hasTag("team") && principal.getTag("team").text == "a" }};
@id("ci") permit (principal == ServiceToken::"ci", action, resource == Role::"deep")
when {{ principal.owner == "olga" && principal.hasTag("env") && principal.getTag("env") == "prod" }};
@id("addresses") forbid (principal is ServiceToken, action, resource) when {{ context.source_ip.isLoopback() }};
"""
TESTS = f"""
callers:
  alice: {{arn: "arn:aws:iam::{HOME}:user/alice"}}
tests:
  - {{name: alice reads, caller: alice, role: reader, expect: allow, policies: [alice]}}
  - name: developers of team b do not
    caller: {{issuer: okta, claims: {{sub: x, groups: [dev], team: b}}}}
    role: reader
    expect: deny
"""


@dataclass
class CommandLine:
    """What is typed, and what is printed."""

    config: Path
    capture: pytest.CaptureFixture[str]

    def run(self, command: str, *arguments: str, status: int = 0) -> tuple[str, str]:
        """What a command prints to standard output and to standard error."""
        got = admin.main([command, *arguments, "--config", str(self.config)])
        printed = self.capture.readouterr()
        assert got == status, printed.out + printed.err
        return printed.out, printed.err

    def json(self, command: str, *arguments: str, status: int = 0) -> dict[str, object]:
        """What it prints as JSON."""
        found = json.loads(self.run(command, *arguments, "--json", status=status)[0])
        assert isinstance(found, dict)
        return found

    def write(self, tests: str) -> None:
        """Have these tests and no others."""
        (self.config / "tests").mkdir(exist_ok=True)
        (self.config / "tests/a.yaml").write_text(tests, encoding="utf-8")


def command_line(directory: Path, capture: pytest.CaptureFixture[str]) -> CommandLine:
    """On the configuration above, and its tests."""
    line = CommandLine(configuration_directory(directory / "config", POLICIES), capture)
    line.write(TESTS)
    return line
