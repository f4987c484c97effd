"""The forges whose jobs get roles: what tells jobs of one repository, branch or environment from others by tokens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.text.printable import unprintable

# The claims of docs/issuers/github-actions.md and docs/issuers/gitlab-ci.md, each a tag of its own name.
_GITHUB_CLAIMS: Final = ("repository", "repository_id", "ref", "event_name", "environment", "job_workflow_ref")
_GITLAB_CLAIMS: Final = (
    *("project_path", "project_id", "ref", "ref_type", "ref_protected", "environment", "environment_protected"),
    "pipeline_source",
)
_BRANCH: Final = re.compile(r"[^\s~^:?*\[\\]+")
_LONGEST: Final = 255
Kind = Literal["github", "gitlab"]


@dataclass(frozen=True, slots=True)
class Job:
    """Which jobs of a repository are meant.

    Attributes:
        forge: whose they are.
        url: the issuer of their tokens.
        repository: path and name, for people: it may be given to another repository one day.
        repository_id: its number, which stays.
        owner_id: number of the organization, user or group that it belongs to; None: not said.
        branch, environment: of the job; None: any.
        events: what started it; empty: anything.
    """

    forge: Kind
    url: str
    repository: str
    repository_id: str
    owner_id: str | None
    branch: str | None
    environment: str | None
    events: tuple[str, ...] = ()

    @property
    def claims(self) -> Mapping[str, tuple[str, ...]]:
        """What its tokens say, by the names of claims, with the values that are let in."""
        return _github(self) if self.forge == "github" else _gitlab(self)

    @property
    def subject(self) -> str:
        """`sub` of its tokens, in the form that the forge has unless told otherwise."""
        if self.forge == "gitlab":
            return f"project_path:{self.repository}:ref_type:branch:ref:{self.branch or 'main'}"
        if self.environment is not None:
            return f"repo:{self.repository}:environment:{self.environment}"
        return f"repo:{self.repository}:ref:refs/heads/{self.branch}"

    @property
    def owner_claim(self) -> str:
        """What names its owner in tokens."""
        return "repository_owner_id" if self.forge == "github" else "namespace_id"

    @property
    def tags(self) -> tuple[str, ...]:
        """Claims that a new entry of issuers.yaml makes tags of."""
        return _GITHUB_CLAIMS if self.forge == "github" else _GITLAB_CLAIMS

    @property
    def elsewhere(self) -> tuple[str, str]:
        """A claim that tells this branch or environment from others of the repository, and what another one says."""
        if self.environment is not None:
            return "environment", "another"
        return "ref", "refs/heads/another" if self.forge == "github" else "another"


def _github(job: Job) -> dict[str, tuple[str, ...]]:
    # https://docs.github.com/en/actions/reference/security/oidc
    claims: dict[str, tuple[str, ...]] = {"repository_id": (job.repository_id,)}
    if job.branch is not None:
        claims["ref"] = (f"refs/heads/{job.branch}",)
    if job.environment is not None:
        claims["environment"] = (job.environment,)
    if job.events:
        claims["event_name"] = job.events
    return claims


def _gitlab(job: Job) -> dict[str, tuple[str, ...]]:
    # https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
    claims: dict[str, tuple[str, ...]] = {"project_id": (job.repository_id,)}
    if job.branch is not None:
        claims |= {"ref_type": ("branch",), "ref": (job.branch,), "ref_protected": ("true",)}
    if job.environment is not None:
        claims |= {"environment": (job.environment,), "environment_protected": ("true",)}
    return claims


def check_branch(text: str) -> None:
    """Whether a branch may be called so: https://git-scm.com/docs/git-check-ref-format.

    Raises:
        ValueError: it may not.
    """
    _check(text)
    if _BRANCH.fullmatch(text) is None or text.startswith("refs/"):
        raise ValueError(f"{text!r} is no branch: write its name alone, such as main; patterns are not understood")


def check_environment(text: str) -> None:
    """Whether an environment may be called so.

    Raises:
        ValueError: it may not.
    """
    _check(text)


def _check(text: str) -> None:
    if not 1 <= len(text) <= _LONGEST or unprintable(text) is not None:
        raise ValueError(f"{text!r} must be 1 to {_LONGEST} characters that can be seen")
    if "${{" in text or "$[[" in text:
        raise ValueError(f"{text!r} holds what the forge would put a value in for")
