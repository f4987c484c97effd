"""Whether the issuers of the configuration at hand give their keys: asked from here, as the function asks."""

from collections.abc import Iterator

from ops.examining.at_hand import AtHand
from ops.examining.finding import Finding
from ops.issuer_checks.check import check_issuers, is_without_network


def issuer_findings(at_hand: AtHand, allow_loopback_http: bool) -> Iterator[Finding]:
    """What is wrong with each issuer. What it answers is in it: escape it before it is shown."""
    checked = check_issuers(at_hand.issuers, at_hand.config, allow_loopback_http)
    if is_without_network(checked):
        yield Finding(
            "unknown",
            "issuers",
            "not asked: this machine has no network, or cannot look up names",
            ("Ask from where there is one: `credvend-admin doctor --only issuers`.",),
        )
        return
    for one in checked:
        if one.trouble is not None:
            yield Finding("problem", f"issuer {one.issuer.name}", one.trouble.what, (one.trouble.advice,))
