"""A refusal proves a policy only where nothing else can have refused."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from chalicelib.revocation.probe import Proof, prove
from chalicelib.roles.role import Role
from testing.clock import Clock
from tests.unit.chalicelib.revocation.revoked import NOW
from tests.unit.chalicelib.revocation.world import PROBED


@dataclass
class Aws:
    """A role on whose policy an older denial by time stands, up to a moment to come, until the newer one is in force.

    Attributes:
        denied_before: of the older policy; seconds since 1970.
        in_force: when the newer policy, which names the probe's tag and has no moment, has arrived.
    """

    denied_before: float
    in_force: float
    clock: Clock = field(default_factory=lambda: Clock(NOW))

    def open(self, role: Role, request_id: str) -> Callable[[], bool]:
        issued = self.clock.now

        def is_let_in() -> bool:
            if self.clock.now >= self.in_force:
                return not request_id.startswith("probe-0")
            return issued >= self.denied_before

        return is_let_in

    def sleep(self, seconds: float) -> None:
        self.clock.now += seconds

    def prove(self) -> Proof:
        return prove(PROBED, "probe-0123456789abcdef", self, self.clock, self.sleep)


@pytest.mark.parametrize("denied_before", [NOW, NOW + 3, NOW + 7.5])
def test_a_session_that_an_older_policy_refuses_by_time_proves_nothing_of_the_newer(denied_before: float) -> None:
    aws = Aws(denied_before, in_force=NOW + 10)
    assert aws.prove().refused
    assert aws.clock.now >= NOW + 10
    assert not Aws(denied_before, in_force=NOW + 60).prove().refused


def test_where_everybody_is_refused_nothing_is_proved() -> None:
    assert Aws(NOW + 60, in_force=NOW + 100).prove().cause == "probe_not_allowed"
    assert Aws(NOW + 60, in_force=NOW + 2).prove().refused
