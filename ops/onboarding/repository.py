"""What gives jobs of a repository a role: an issuer, a Cedar policy, tests of it, and the job that asks."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.roles.role import Role
from ops.errors import OperationFailed
from ops.onboarding.forges import Job

AUDIENCE: Final = "credvend"
# What stands for what is not known here.
_ACTION: Final = "OWNER/credvend@COMMIT"
_VALUE: Final = "VALUE"
_REASON: Final = "a reason"


@dataclass(frozen=True, slots=True)
class Grant:
    """Texts for files, and what they are about.

    Attributes:
        id: of the policy; the files are called after it.
        issuers: an issuers.yaml that knows the forge, or None: the issuer is known already.
        missing_tags: claims that its entry must make tags of.
        policy, tests, job: Cedar; YAML of tests; YAML of the forge's pipeline.
        notes: what whoever onboards should know.
    """

    id: str
    issuers: str | None
    missing_tags: tuple[str, ...]
    policy: str
    tests: str
    job: str
    notes: tuple[str, ...]


def grant(job: Job, role: Role, issuers: Sequence[Issuer]) -> Grant:
    """What lets these jobs, and no others, have the role.

    Args:
        issuers: those that are trusted already.

    Raises:
        OperationFailed: the forge is no trusted issuer, and it is not said whose tokens are to be believed; or
            the name that its entry would have is taken.
    """
    issuer = next((one for one in issuers if one.url.rstrip("/") == job.url.rstrip("/")), None)
    if issuer is None and job.owner_id is None:
        option = "--owner-id" if job.forge == "github" else "--namespace-id"
        raise OperationFailed(
            f"{job.url} is not in issuers.yaml, and everybody there can get tokens: {option} says whose are believed."
        )
    if issuer is None and any(one.name == job.forge for one in issuers):
        raise OperationFailed(
            f"issuers.yaml has another issuer that is called {job.forge}: rename it, or --issuer-url."
        )
    tags = {path[0]: tag for tag, path in issuer.claims if len(path) == 1} if issuer is not None else {}
    name = job.forge if issuer is None else issuer.name
    missing = tuple(claim for claim in job.claims if claim not in tags) if issuer is not None else ()
    by_tag = {tags.get(claim, claim): values for claim, values in job.claims.items()}
    policy_id = _slug(f"{name} {job.repository} {job.branch or ''} {job.environment or ''} {role.name}")
    return Grant(
        id=policy_id,
        issuers=None if issuer is not None else _issuers(job),
        missing_tags=missing,
        policy=_policy(policy_id, name, by_tag, job, role),
        tests=_tests(policy_id, name, issuer, job, role),
        job=(_workflow if job.forge == "github" else _pipeline)(job, role, _audience(issuer)),
        notes=tuple(_notes(job, role, name, missing)),
    )


def _issuers(job: Job) -> str:
    claims = "".join(f"      {claim}: {claim}\n" for claim in job.tags)
    return (
        "issuers:\n"
        f"  - name: {job.forge}\n"
        f"    issuer: {_quoted(job.url)}\n"
        f"    audiences: [{AUDIENCE}]\n"
        "    algorithms: [RS256]\n"
        f"    required_claims: {{{job.owner_claim}: {_quoted(job.owner_id or '')}}}\n"
        f"    claims:\n{claims}"
        "    max_age: 15m\n"
    )


def _policy(policy_id: str, issuer: str, tags: Mapping[str, Sequence[str]], job: Job, role: Role) -> str:
    conditions = " &&\n".join(f"  {_condition(tag, values)}" for tag, values in tags.items())
    return (
        f"// {job.repository} is known by its number, which stays when it is renamed.\n"
        f"@id({_quoted(policy_id)})\n"
        "permit (\n"
        f"  principal in OidcIssuer::{_quoted(issuer)},\n"
        '  action == Action::"AssumeRole",\n'
        f"  resource == Role::{_quoted(role.name)}\n"
        ")\n"
        f"when {{\n{conditions}\n}};\n"
    )


def _condition(tag: str, values: Sequence[str]) -> str:
    text = f"principal.getTag({_quoted(tag)}).text"
    is_one = f"{text} == {_quoted(values[0])}"
    if len(values) > 1:
        is_one = f"[{', '.join(map(_quoted, values))}].contains({text})"
    return f"principal.hasTag({_quoted(tag)}) && {is_one}"


def _tests(policy_id: str, name: str, issuer: Issuer | None, job: Job, role: Role) -> str:
    required = {} if issuer is None else dict(issuer.required_claims)
    claims: dict[str, object] = {"sub": job.subject, **{claim: values[0] for claim, values in job.claims.items()}}
    if issuer is None:
        claims |= {job.owner_claim: job.owner_id}
    claims = {claim: allowed[0] if allowed else _VALUE for claim, allowed in required.items()} | claims
    key, value = job.elsewhere
    identity = next(iter(job.claims))
    where = f"the environment {job.environment}" if job.environment is not None else f"the branch {job.branch}"
    cases = (
        (f"{job.repository}, {where}, gets {role.name}", claims, "allow", f"    policies: [{policy_id}]\n"),
        (f"{job.repository} gets no {role.name} elsewhere", claims | {key: value}, "deny", ""),
        (f"no other repository than {job.repository} gets {role.name}", claims | {identity: "1"}, "deny", ""),
    )
    return "tests:\n" + "".join(
        f"  - name: {_quoted(f'{title} ({policy_id})')}\n"
        f"    caller: {{issuer: {_quoted(name)}, claims: {_quoted(said)}}}\n"
        f"    role: {_quoted(role.name)}\n"
        f"{''.join(_asked(role))}"
        f"    expect: {expected}\n{more}"
        for title, said, expected, more in cases
    )


def _asked(role: Role) -> Iterator[str]:
    """What a request for the role must say besides."""
    if role.require_reason:
        yield f"    reason: {_REASON}\n"
    if demanded := _demanded(role):
        yield f"    params: {{{', '.join(f'{name}: {_VALUE}' for name in demanded)}}}\n"


def _demanded(role: Role) -> list[str]:
    return [name for name, param in role.session_rules.params.items() if param.default is None]


def _workflow(job: Job, role: Role, audience: str) -> str:
    """For `.github/workflows/`, with the action of this repository: docs/ci.md."""
    events = job.events or ("workflow_dispatch",)
    started = "".join(
        f"  {event}:\n" + (f"    branches: [{_quoted(job.branch)}]\n" if event == "push" and job.branch else "")
        for event in events
    )
    inputs = [f"role: {_quoted(role.name)}", "url: ${{ vars.CREDVEND_URL }}"]
    inputs += [f"audience: {_quoted(audience)}"] if audience != AUDIENCE else []
    inputs += ["reason: run ${{ github.run_id }} of ${{ github.workflow }}"] if role.require_reason else []
    if demanded := _demanded(role):
        inputs += ["params: |", *(f"  {name}={_VALUE}" for name in demanded)]
    return (
        f"on:\n{started}"
        "permissions:\n  id-token: write\n  contents: read\n"
        "jobs:\n"
        f"  with-{_slug(role.name)}:\n"
        "    runs-on: ubuntu-latest\n"
        + (f"    environment: {_quoted(job.environment)}\n" if job.environment is not None else "")
        + f"    steps:\n      - uses: {_ACTION}\n        with:\n"
        + "".join(f"          {line}\n" for line in inputs)
        + "      - run: aws sts get-caller-identity\n"
    )


def _pipeline(job: Job, role: Role, audience: str) -> str:
    """For `.gitlab-ci.yml`, with the component of this repository: docs/ci.md."""
    inputs = [f"role: {_quoted(role.name)}", "url: https://API_ID.execute-api.REGION.amazonaws.com/api"]
    inputs += ["package: https://FILES/credvend-0.1.0-py3-none-any.whl#sha256=HASH"]
    inputs += [f"audience: {_quoted(audience)}"] if audience != AUDIENCE else []
    inputs += [f"reason: {_REASON}"] if role.require_reason else []
    if demanded := _demanded(role):
        inputs += [f"params: {' '.join(f'{name}={_VALUE}' for name in demanded)}"]
    return (
        "include:\n  - component: $CI_SERVER_FQDN/GROUP/credvend/credvend@COMMIT\n    inputs:\n"
        + "".join(f"      {line}\n" for line in inputs)
        + f"\nwith-{_slug(role.name)}:\n  extends: .credvend\n"
        + (f"  environment: {_quoted(job.environment)}\n" if job.environment is not None else "")
        + (f"  rules:\n    - if: $CI_COMMIT_BRANCH == {_quoted(job.branch)}\n" if job.branch is not None else "")
        + "  script:\n    - pip install awscli && aws sts get-caller-identity\n"
    )


def _notes(job: Job, role: Role, issuer: str, missing: Sequence[str]) -> Iterator[str]:
    if missing:
        lines = ", ".join(f"{claim}: {claim}" for claim in missing)
        yield f"Add to `claims` of issuer {issuer} in issuers.yaml, for the policy looks at them: {lines}"
    if job.forge == "github" and job.environment is not None:
        yield (
            f"Whoever can push a workflow to {job.repository} can name the environment {job.environment}: limit its "
            "branches, or demand reviewers, in the repository's settings."
        )
    if job.forge == "github" and "pull_request_target" in job.events:
        yield "pull_request_target runs for pull requests of strangers: see that the job runs nothing of theirs."
    if demanded := _demanded(role):
        yield f"Fill in, where {_VALUE} stands: {', '.join(demanded)}."


def _audience(issuer: Issuer | None) -> str:
    return AUDIENCE if issuer is None or AUDIENCE in issuer.audiences else min(issuer.audiences)


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def _quoted(value: object) -> str:
    """A text for Cedar, or any value for YAML: both read JSON, as long as all of it can be seen."""
    return json.dumps(value, ensure_ascii=False)
