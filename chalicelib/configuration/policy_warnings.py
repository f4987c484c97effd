"""Which policies are likely not what was meant, though they are valid?"""

from collections.abc import Iterator
from typing import Final

from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.decisions.indexed_policy import PolicyJson

_ALL: Final = {"op": "All"}


def policy_warnings(written: WrittenConfiguration) -> Iterator[str]:
    """A line for each likely mistake in a policy: file, policy, and what is odd about it."""
    for policy in written.policies.policies:
        for warning in _warnings(policy.json):
            yield f"{policy.file}: policy {policy.name}: {warning}"


def _warnings(policy: PolicyJson) -> Iterator[str]:
    if policy["effect"] == "permit" and policy["principal"] == policy["resource"] == _ALL and not policy["conditions"]:
        yield "it lets everybody who can prove who they are have every role of the catalog"
