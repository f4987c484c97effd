"""Policies in audit mode: what they would decide is found out and recorded, and changes no decision.

They are asked beside those that are enforced, all as `permit`: so Cedar names each that applies, where a `forbid` would
hide the permits. Only a configuration that has some comes here.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.decisions.authorizer import Authorizer, together, zone_for
from chalicelib.decisions.decision import Circumstances, Decision
from chalicelib.decisions.indexed_policy import IndexedPolicies, PolicyJson
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role

if TYPE_CHECKING:
    from chalicelib.text.local_time import TimeZone


class Audited(NamedTuple):
    """What policies in audit mode would have done.

    Attributes:
        would_be: the decision, were they enforced: whether it allows.
        policies: `@id`s of those that apply.
        errors: of those that could not be evaluated; enforced, they would deny.
    """

    would_be: bool
    policies: tuple[str, ...]
    errors: tuple[str, ...]


def audit_policies(schema: str, policies: Iterable[PolicyJson]) -> IndexedPolicies:
    """Policies for `AuditMode`: all of them permit, and `forbids` tells which did not.

    Raises:
        ValueError: a policy that Cedar would spell in a way that means something else.
    """
    static = tuple(policies)
    indexed = IndexedPolicies.of_json(schema, (policy | {"effect": "permit"} for policy in static))
    return indexed._replace(
        forbids=frozenset(place for place, policy in enumerate(static) if policy["effect"] == "forbid")
    )


class AuditMode:
    """Asks the policies in audit mode. Nothing is parsed before the first question."""

    def __init__(
        self, policies: IndexedPolicies, enforced: Authorizer, catalog: Catalog, time_zone: "TimeZone | None"
    ) -> None:
        """Ask these policies.

        Args:
            policies: as `audit_policies` makes them.
            enforced: with the policies that decide, of the same schema and catalog.
        """
        self._policies = policies
        self._enforced = enforced
        self._catalog = catalog
        self._time_zone = time_zone

    def look(self, caller: Caller, role: Role, circumstances: Circumstances, decided: Decision) -> Audited | None:
        """What the policies in audit mode would make of a decision; None: none of them applies.

        Whatever goes wrong here is told among the errors. It raises nothing, for audit mode turns nobody away.

        Args:
            decided: by the policies that are enforced.
        """
        try:
            found = self._authorizer.decide(caller, role, circumstances)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of Cedar's engine, which is written in Rust, is no Exception
            return Audited(False, (), (f"policies in audit mode could not be asked: {type(error).__name__}",))
        if not found.policies and not found.errors:
            return None
        forbidding = tuple(name for name in found.policies if name in self._forbids)
        permitting = tuple(name for name in found.policies if name not in self._forbids)
        audited = Decision(not forbidding and bool(permitting), forbidding or permitting, found.errors)
        return Audited(together((decided, audited)).allowed, found.policies, found.errors)

    @cached_property
    def _authorizer(self) -> Authorizer:
        zone = zone_for(self._policies, self._time_zone)
        return Authorizer(self._policies, self._catalog, zone, beside=self._enforced)

    @cached_property
    def _forbids(self) -> frozenset[str]:
        return frozenset(self._policies.indexed[place].name for place in self._policies.forbids)
