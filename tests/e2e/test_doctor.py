"""What operators are told of what is deployed, and what roles let it do: `credvend-admin doctor`."""

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest

from ops.commands.doctor import doctor
from ops.errors import OperationFailed
from testing.deployed import Stack


class Doctor:
    """`credvend-admin doctor` in this process, on the deployed stage."""

    def __init__(self, stack: Stack, capture: pytest.CaptureFixture[str]) -> None:
        self.stack, self._capture = stack, capture

    def asked(self, *arguments: str) -> Any:
        """What it prints as JSON."""
        try:
            doctor.main(["--stage", "local", "--json", *arguments], standalone_mode=False)
        except OperationFailed as error:
            print(error)
        out, err = self._capture.readouterr()
        print(out, err)
        return json.loads(out[: out.rindex("}") + 1])


@pytest.fixture
def asked(stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    return Doctor(stack, capsys)


def test_x(asked: Doctor) -> None:
    asked.asked()
    assert 0
