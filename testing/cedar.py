"""What Cedar is asked: by which schema; and how much, for that must not grow with the roles and policies of others."""

from dataclasses import dataclass, field
from typing import Final

import cedarpy
import pytest

from ops.environments import ROOT

SCHEMA: Final = (ROOT / "chalicelib/config/schema.cedarschema").read_text()
"""The one that is shipped."""


@dataclass(frozen=True)
class Asked:
    """For each batch that was put to Cedar: how many questions, and how many policies."""

    requests: list[int] = field(default_factory=list)
    policies: list[int] = field(default_factory=list)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Counts, and lets Cedar answer."""
    counted = Asked()
    ask = cedarpy.is_authorized_batch

    def count(
        requests: list[dict[str, object]],
        policies: cedarpy.PolicySet,
        entities: cedarpy.Entities,
        schema: cedarpy.Schema,
    ) -> list[cedarpy.AuthzResult]:
        counted.requests.append(len(requests))
        counted.policies.append(len(policies))
        return ask(requests, policies, entities, schema)

    monkeypatch.setattr(cedarpy, "is_authorized_batch", count)
    return counted
