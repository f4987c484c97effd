"""What a role lacks, in words, and what its owner must add."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.sessions.web_identity import AUDIENCE
from chalicelib.signing.documents import KEYS_PATH
from ops.examining.asking import Answer
from ops.examining.finding import Finding
from ops.examining.trust import KnownRole
from ops.iam.statements import provider_arn, trust_statements, web_identity_statement

_ACTIONS: Final = {"set_source_identity": "sts:SetSourceIdentity", "tag_session": "sts:TagSession"}
_SWITCHES: Final = {"set_source_identity": "source_identity", "tag_session": "tag_session"}
# Whatever was asked for, these say what to do about it.
_BY_CAUSE: Final = {
    "explicit_deny": (
        "a policy explicitly denies it",
        "Whoever administers its account or organization finds the Deny: in its trust policy, in a service or resource "
        "control policy, or in a permissions boundary. A statement that allows it would not help.",
    ),
    "own_policy": (
        "the policy of credvend's own role does not allow it",
        "Deploy again: that policy is made from roles.yaml. A permissions boundary may keep it from that, too.",
    ),
    "region_disabled": (
        "STS is not activated in credvend's region for its account",
        "Have an administrator of that account activate it (IAM, account settings).",
    ),
}
_CONDITIONS: Final = (
    "If it lets credvend in on conditions (sts:RoleSessionName, sts:SourceIdentity, aws:RequestTag/...), see "
    "docs/operate.md: the question has made-up values for what callers bring."
)
_JUST_CHANGED: Final = "What was changed just now may take some seconds to be seen."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What answers are read with.

    Attributes:
        function_role_arn: whom roles must trust.
        known: roles of the account `account`, by ARN; None: IAM did not tell.
        issuer: URL that credvend's tokens name; empty: the stack names none.
    """

    function_role_arn: str
    account: str
    known: Mapping[str, KnownRole] | None = None
    issuer: str = ""

    @property
    def provider(self) -> str:
        """What IAM calls the provider of the tokens."""
        return self.issuer.removeprefix("https://")

    def knows(self, answer: Answer) -> bool:
        """Whether IAM has told of a role that is there, and of one that is not, that it is not."""
        return self.known is not None and answer.account == self.account


def role_findings(answer: Answer, around: Surroundings) -> Iterator[Finding]:
    """What is wrong with a role."""
    about = f"role {answer.name} ({answer.arn})"
    if answer.granted is None:
        yield Finding(
            "unknown", about, f"not known: STS could not be asked ({answer.unknown})", ("Ask again in a while.",)
        )
    elif answer.granted:
        if answer.demands_external_id is False:
            yield _lets_in_without_external_id(about, answer, around)
    elif "assume_role" in answer.lacks:
        closed = _token_not_let_in if answer.by_web_identity else _not_let_in
        yield closed(about, answer, around)
    else:
        yield from _parts_missing(about, answer, around)


def _lets_in_without_external_id(about: str, answer: Answer, around: Surroundings) -> Finding:
    return Finding(
        "warning",
        about,
        "it lets credvend in without the external_id of roles.yaml as well: the id keeps nobody out",
        ("Put these statements in place of the one that lets credvend in:",),
        tuple(trust_statements(around.function_role_arn, answer.external_id)),
    )


def _not_let_in(about: str, answer: Answer, around: Surroundings) -> Finding:
    cause = answer.lacks["assume_role"]
    if cause in _BY_CAUSE:
        why, advice = _BY_CAUSE[cause]
        return Finding("problem", about, f"credvend may not sts:AssumeRole it: {why}", (advice,))
    if cause != "not_trusted":
        return _refused(about, cause)
    statements = tuple(trust_statements(around.function_role_arn, answer.external_id))
    add = ("Add to its trust policy (sts:AssumeRole and what goes with it):",)
    known = around.known.get(answer.arn) if around.known is not None and around.knows(answer) else None
    if around.knows(answer) and known is None:
        return Finding(
            "problem",
            about,
            "there is no such role",
            ("Make it, with this in its trust policy; or take it out of roles.yaml:",),
            statements,
        )
    if known is not None and known.external_ids and answer.external_id not in known.external_ids:
        demanded = ", ".join(map(repr, sorted(known.external_ids)))
        ours = "none" if answer.external_id is None else repr(answer.external_id)
        return Finding(
            "problem",
            about,
            f"its trust policy demands the external id {demanded}, and roles.yaml has {ours}",
            (
                "If it demands that of credvend, set `external_id` in roles.yaml to it, and deploy.",
                "Else have its trust policy demand what roles.yaml has:",
            ),
            statements,
        )
    where = "" if known is not None else "there is no such role, or "
    asks = "" if known is not None else ", or demands another external id than roles.yaml has"
    return Finding(
        "problem",
        about,
        f"credvend is not let in: {where}its trust policy does not allow sts:AssumeRole to credvend's function{asks}",
        (_CONDITIONS, *add),
        statements,
    )


def _token_not_let_in(about: str, answer: Answer, around: Surroundings) -> Finding:
    cause = answer.lacks["assume_role"]
    arn = provider_arn(answer.arn, around.provider)
    statement = web_identity_statement(answer.arn, around.provider)
    if cause in _BY_CAUSE:
        why, advice = _BY_CAUSE[cause]
        return Finding("problem", about, f"credvend's tokens get no session of it: {why}", (advice,))
    if cause == "no_provider":
        return Finding(
            "problem",
            about,
            f"account {answer.account} has no OpenID Connect provider of {around.issuer}",
            (
                f"In that account: aws iam create-open-id-connect-provider --url {around.issuer} "
                f"--client-id-list {AUDIENCE}",
                f"Or: credvend-admin onboard --account {answer.account}. What its trust policy needs:",
            ),
            (statement,),
        )
    if cause == "keys_not_reached":
        return Finding(
            "problem",
            about,
            f"STS cannot read the key of credvend's tokens at {around.issuer}{KEYS_PATH}",
            (
                "That address must answer from anywhere, within seconds; look at the web ACL and the throttle.",
                "If it is a copy: credvend-admin keys export DIR, and publish it there.",
            ),
        )
    if cause == "token_refused":
        return Finding(
            "problem",
            about,
            "STS refuses credvend's token itself",
            (
                f"Does the provider have its audience? In account {answer.account}: aws iam "
                "add-client-id-to-open-id-connect-provider "
                f"--open-id-connect-provider-arn {arn} --client-id {AUDIENCE}",
                f"CloudTrail has STS's words, by the call's id (docs/audit.md). {_JUST_CHANGED}",
            ),
        )
    if cause != "not_trusted":
        return _refused(about, cause)
    if around.knows(answer) and around.known is not None and answer.arn not in around.known:
        what, do = "there is no such role", "Make it, with this in its trust policy; or take it out of roles.yaml:"
        return Finding("problem", about, what, (do,), (statement,))
    where = "" if around.knows(answer) else "there is no such role, or "
    return Finding(
        "problem",
        about,
        f"credvend's tokens are not let in: {where}its trust policy does not allow sts:AssumeRoleWithWebIdentity to "
        "the issuer, with the role as the token's subject",
        (_CONDITIONS, "Its trust policy must have this, with aud and sub as they stand here:"),
        (statement,),
    )


def _parts_missing(about: str, answer: Answer, around: Surroundings) -> Iterator[Finding]:
    missing = [part for part in _ACTIONS if answer.lacks.get(part) in ("no_tag_session", "no_set_source_identity")]
    if missing:
        actions = [_ACTIONS[part] for part in missing]
        switches = " and ".join(f"`{_SWITCHES[part]}: false`" for part in missing)
        yield Finding(
            "problem",
            about,
            f"its trust policy lets credvend in, and does not allow {' and '.join(actions)}",
            (f"Add to its trust policy (or set {switches} in roles.yaml, and deploy):",),
            (web_identity_statement(answer.arn, around.provider, actions),)
            if answer.by_web_identity
            else tuple(trust_statements(around.function_role_arn, None, actions)),
        )
    for part, cause in answer.lacks.items():
        if part not in missing:
            yield _part_refused(about, answer, part, cause)


def _part_refused(about: str, answer: Answer, part: str, cause: str) -> Finding:
    if cause in _BY_CAUSE:
        why, advice = _BY_CAUSE[cause]
        return Finding("problem", about, f"credvend may not {_ACTIONS.get(part, part)}: {why}", (advice,))
    if part in _ACTIONS and cause == "not_trusted":
        with_what = {"tag_session": "session tags", "set_source_identity": "a source identity"}[part]
        return Finding("problem", about, f"its trust policy lets credvend in, and not with {with_what}", (_CONDITIONS,))
    if part == "duration" and cause == "max_session_duration":
        name = answer.arn.rpartition("/")[2]
        return Finding(
            "problem",
            about,
            f"its MaxSessionDuration is less than the max_duration of roles.yaml, {answer.max_duration} s",
            (
                f"aws iam update-role --role-name {name} --max-session-duration {max(3600, answer.max_duration)} "
                f"(in account {answer.account})",
                "Or set a shorter `max_duration` in roles.yaml, and deploy.",
            ),
        )
    if part == "duration":
        return Finding(
            "problem",
            about,
            f"its trust policy lets credvend in for 900 s, and not for its max_duration, {answer.max_duration} s",
            ("Raise what it demands of sts:DurationSeconds, or set a shorter `max_duration` in roles.yaml.",),
        )
    if part == "lease":
        return Finding(
            "problem",
            about,
            f"STS does not cut its sessions short ({cause}): nobody gets one of less than 15 minutes",
            (
                "Add to its permissions, not to its trust policy (or leave min_duration out of roles.yaml):",
                '{"Effect": "Allow", "Action": "sts:GetScopedCredentials", "Resource": "*"}',
            ),
        )
    if part == "policy_arns":
        return Finding(
            "problem",
            about,
            f"STS does not take its `policy_arns` ({cause})",
            ("See that each of these managed policies is there, in the role's own account or AWS's.",),
        )
    if part == "together":
        return Finding(
            "problem",
            about,
            f"each thing that a vend asks for is granted, and not all of them at once ({cause})",
            ("Look for conditions in its trust policy that name several of them; or its tags are too long together.",),
        )
    return _refused(about, cause)


def _refused(about: str, cause: str) -> Finding:
    return Finding(
        "problem",
        about,
        f"STS refuses the session ({cause})",
        (f"docs/audit.md says what this cause means. {_JUST_CHANGED}",),
    )
