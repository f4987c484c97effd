"""All that the doctor looks at, put together."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final, Literal

from ops.aws.reader import Aws, NotTold
from ops.errors import OperationFailed
from ops.examining.asking import Answer, Deployed, ask_about, deployed_roles
from ops.examining.at_hand import AtHand
from ops.examining.finding import Finding, in_order_of_importance, not_asked, some
from ops.examining.functions import function_findings
from ops.examining.issuers import issuer_findings
from ops.examining.quotas import iam_findings, lambda_findings, sts_findings
from ops.examining.revocation import revocation_findings
from ops.examining.roles import Surroundings, role_findings
from ops.examining.signing import signing_findings
from ops.examining.stack import DeployedStack, configuration_findings, read_stack, stack_findings
from ops.examining.tables import table_findings
from ops.examining.trust import KnownRole, known_roles
from ops.examining.watching import alarm_findings, log_findings
from ops.signing.documents import published_at
from ops.stages.names import DOCTOR, ISSUER_OUTPUT

Part = Literal["roles", "issuers", "stack"]
PARTS: Final[tuple[Part, ...]] = ("roles", "issuers", "stack")
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked at.

    Attributes:
        stack: name of the stack.
        names: of roles; empty: all that are deployed.
        at_hand: the configuration directory, or None: what is deployed alone.
        allow_loopback_http: the stage lets issuers on this very machine do without TLS.
        keys_at: tells the ids of the keys that are published below a URL; raises `OperationFailed`.
        endpoint: where all services are instead of at AWS, or None.
    """

    stack: str
    parts: Sequence[Part]
    names: Sequence[str]
    at_hand: AtHand | None
    allow_loopback_http: bool
    keys_at: Callable[[str], frozenset[str]] = published_at
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """What came of it.

    Attributes:
        findings: the worst first.
        asked: how many roles were asked about; granted: of these, how many are in order.
        issuers: how many were asked; None: none were to be.
        configuration: digest of what is deployed, as far as it is known.
    """

    findings: Sequence[Finding]
    asked: int
    granted: int
    issuers: int | None
    configuration: str | None


def examine(aws: Aws, wanted: Wanted, now: datetime, progress: Callable[[int, int], None]) -> Examination:
    """Look at all that is wanted.

    Args:
        progress: told how many roles have been asked about, and of how many.

    Raises:
        OperationFailed: no credentials, no such role.
    """
    findings: list[Finding] = []
    issuers = None
    if "issuers" in wanted.parts and wanted.at_hand is not None:
        findings += issuer_findings(wanted.at_hand, wanted.allow_loopback_http)
        issuers = len(wanted.at_hand.issuers)
    elif "issuers" in wanted.parts:
        about = "not asked: no configuration directory is at hand"
        findings.append(Finding("note", "issuers", about, ("Name it by --config.",)))
    if not {"roles", "stack"} & set(wanted.parts):
        return Examination(in_order_of_importance(findings), 0, 0, issuers, None)
    stack = _stack(aws, wanted, findings)
    if stack is None:
        return Examination(in_order_of_importance(findings), 0, 0, issuers, None)
    known = _known(aws, findings)
    deployed = _deployed(aws, stack, findings)
    running = None if deployed is None else deployed.configuration
    answers: list[Answer] = []
    if "stack" in wanted.parts:
        digest = None if wanted.at_hand is None else wanted.at_hand.digest
        findings += configuration_findings(stack, running, digest)
        findings += _of_stack(aws, stack, wanted, now)
        findings += _of_iam(aws, stack, known, deployed)
        findings += revocation_findings(stack, wanted.at_hand, deployed)
    if "roles" in wanted.parts and deployed is not None:
        answers = _answers(aws, stack, wanted, deployed, findings, progress)
        role, issuer = stack.outputs.get("FunctionRoleArn", ""), stack.outputs.get(ISSUER_OUTPUT, "")
        around = Surroundings(role, stack.account, known, issuer)
        about_roles = [list(role_findings(answer, around)) for answer in answers]
        findings += chain.from_iterable(about_roles)
    granted = sum(answer.granted is True for answer in answers)
    return Examination(in_order_of_importance(findings), len(answers), granted, issuers, running)


def _stack(aws: Aws, wanted: Wanted, findings: list[Finding]) -> DeployedStack | None:
    try:
        return read_stack(aws, wanted.stack)
    except NotTold as error:
        if error.why == "gone":
            raise OperationFailed(
                f"There is no stack {wanted.stack} here: choose another stage (--stage), region (AWS_REGION) or "
                "profile (AWS_PROFILE), or deploy it first."
            ) from None
        findings.append(not_asked(error, f"stack {wanted.stack}"))
        return None


def _known(aws: Aws, findings: list[Finding]) -> dict[str, KnownRole] | None:
    try:
        return known_roles(aws)
    except NotTold as error:
        findings.append(not_asked(error, "roles of credvend's account, their sizes and external ids", "note"))
        return None


def _deployed(aws: Aws, stack: DeployedStack, findings: list[Finding]) -> Deployed | None:
    if DOCTOR not in stack.names:
        findings.append(
            Finding("unknown", "roles", "not asked: what is deployed has no function for it", ("Deploy again.",))
        )
        return None
    try:
        return deployed_roles(aws, stack.names[DOCTOR])
    except NotTold as error:
        findings.append(not_asked(error, "roles"))
        return None


def _of_stack(aws: Aws, stack: DeployedStack, wanted: Wanted, now: datetime) -> Iterable[Finding]:
    """Each kind of thing beside the others; what is found stays in this order."""
    looks: list[Callable[[], list[Finding]]] = [
        lambda: list(stack_findings(stack)),
        lambda: list(function_findings(aws, stack)),
        lambda: list(table_findings(aws, stack)),
        lambda: list(log_findings(aws, stack)),
        lambda: list(alarm_findings(aws, stack)),
        lambda: list(signing_findings(aws, stack, wanted.endpoint, wanted.keys_at)),
        lambda: list(lambda_findings(aws, stack, now)),
        lambda: list(sts_findings(aws, stack, now)),
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return chain.from_iterable(pool.map(lambda look: look(), looks))


def _of_iam(
    aws: Aws, stack: DeployedStack, known: dict[str, KnownRole] | None, deployed: Deployed | None
) -> Iterable[Finding]:
    if known is None:
        return []
    targets = [] if deployed is None else deployed.roles.values()
    return iam_findings(aws, known, stack.outputs.get("FunctionRoleArn", ""), targets)


def _answers(
    aws: Aws,
    stack: DeployedStack,
    wanted: Wanted,
    deployed: Deployed,
    findings: list[Finding],
    progress: Callable[[int, int], None],
) -> list[Answer]:
    at_hand = [] if wanted.at_hand is None else [role.name for role in wanted.at_hand.roles]
    unknown = [name for name in wanted.names if name not in deployed.roles and name not in at_hand]
    if unknown:
        raise OperationFailed(f"There is no role {', '.join(map(repr, unknown))} in what is deployed.")
    asked = list(wanted.names or deployed.roles)
    # Of a directory that is not deployed yet, credvend's own policy would refuse the new ones.
    later = [name for name in (wanted.names or at_hand) if name not in deployed.roles]
    if later:
        findings.append(
            Finding(
                "note", "roles", f"not asked: {some(later)}, which are not deployed yet", ("Deploy, and ask again.",)
            )
        )
    names = [name for name in asked if name in deployed.roles]
    try:
        return ask_about(aws, stack.names[DOCTOR], names, lambda done: progress(done, len(names)))
    except NotTold as error:
        findings.append(not_asked(error, "roles"))
        return []
