"""Whether sessions can be revoked where the catalog has roles, as far as anybody but the revoker can tell."""

from collections.abc import Iterator

from ops.examining.asking import Deployed
from ops.examining.at_hand import AtHand
from ops.examining.finding import Finding, some
from ops.examining.stack import DeployedStack


def revocation_findings(stack: DeployedStack, at_hand: AtHand | None, deployed: Deployed | None) -> Iterator[Finding]:
    """What the revoker alone could ask: roles trust it, and only its table invokes it. And what is missing."""
    if at_hand is None or deployed is None:
        return
    probed = [role.name for role in at_hand.roles if role.probe is not None]
    if probed:
        yield Finding(
            "note",
            "revocation",
            f"not asked: whether the roles with a probe ({some(probed)}) let the revoker in: it alone could ask",
            ("A revocation that is not seen in force tells: `revocation.unproved` in the audit log.",),
        )
    others = sorted({arn.split(":")[4] for arn in deployed.roles.values()} - {stack.account})
    if others and at_hand.operator_role is None:
        yield Finding(
            "warning",
            "revocation",
            f"no sessions can be revoked in account {some(others)}: sessions.yaml names no operator_role",
            ("docs/sessions.md says what it needs.",),
        )
    elif others:
        yield Finding(
            "note",
            "revocation",
            f"not asked: whether role {at_hand.operator_role} of account {some(others)} lets the revoker in: it alone "
            "could ask",
            ("The first revocation there tells: `credvend-admin sessions show ID`.",),
        )
