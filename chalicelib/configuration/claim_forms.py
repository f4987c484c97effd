"""How are the values of a known issuer's claims written? One that is written otherwise is never there.

Only what checks a configuration reads this: the deployed function never does.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from chalicelib.callers.oidc.issuer import ClaimPath
from chalicelib.configuration.known_issuers import KnownIssuer


class Form(NamedTuple):
    """How a text is written.

    Attributes:
        whole: all such texts match it.
        words: the same, as the end of a sentence.
        begins: how each of them begins.
        within: what each part of them matches.
    """

    whole: re.Pattern[str]
    words: str
    begins: str = ""
    within: re.Pattern[str] | None = None

    def lets(self, parts: list[str | None]) -> bool:
        """Whether a text of that form may be like a pattern, for all that is known.

        Args:
            parts: of the pattern: texts, and None for its wildcards.
        """
        texts = [part for part in parts if part is not None]
        if len(texts) == len(parts):
            return self.whole.fullmatch("".join(texts)) is not None
        first = parts[0] or ""
        if first and not (first.startswith(self.begins) or self.begins.startswith(first)):
            return False
        return self.within is None or all(self.within.fullmatch(text) for text in texts)


def form_of(known: KnownIssuer, path: ClaimPath) -> Form | None:
    """How the values of a claim are written, as text; None: in any way, as far as is known."""
    form = _FORMS.get(known.name, {}).get(path)
    return form or _OF_TYPES.get(known.claims.get(path, ""))


def _form(pattern: str, words: str, begins: str = "", within: str | None = None) -> Form:
    parts = None if within is None else re.compile(within, re.ASCII)
    return Form(re.compile(pattern, re.ASCII), words, begins, parts)


def _one_of(*values: str) -> Form:
    *others, last = values
    return _form("|".join(map(re.escape, values)), f"is {', '.join(others)} or {last}")


_DIGITS: Final = _form("[0-9]+", "consists of digits alone", within="[0-9]*")
_GUID: Final = _form(
    "(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "is a GUID, such as a1b2c3d4-0000-4000-8000-000000000001"
)
_ACCOUNT: Final = _form("[0-9]{12}", "consists of 12 digits", within="[0-9]{0,12}")
_COMMIT: Final = _form("[0-9a-f]{40}([0-9a-f]{24})?", "is the hash of a commit", within="[0-9a-f]*")
_PATH: Final = _form("[^/]+(/[^/]+)+", "is written with its owner, OWNER/NAME")
_OWNER: Final = _form("[^/]+", "is a name without a slash", within="[^/]*")
_WORKFLOW: Final = _form("[^/]+/[^/]+/.+@.+", "is written OWNER/NAME/.github/workflows/FILE@REF")
_TRUTH: Final = _one_of("true", "false")
_FULL_REF: Final = _form("refs/.+", "begins with refs/, such as refs/heads/main", begins="refs/")
_BRANCH: Final = _form("(?!refs/).*", "is the name of a branch, without refs/heads/", within="(?!refs/).*")

# Types that are text in policies.
_OF_TYPES: Final[Mapping[str, Form]] = {
    "boolean": _TRUTH,
    "number": _form(r"-?[0-9]+(\.[0-9]+)?", "is a number", within="[0-9.-]*"),
}


def _of(form: Form, names: str) -> dict[ClaimPath, Form]:
    return {(name,): form for name in names.split()}


# https://docs.github.com/en/actions/reference/security/oidc
_GITHUB: Final = (
    _of(
        _DIGITS,
        "actor_id check_run_id enterprise_id repository_id repository_owner_id run_attempt run_id run_number",
    )
    | _of(_FULL_REF, "ref")
    | _of(_BRANCH, "base_ref head_ref")
    | _of(_one_of("branch", "tag"), "ref_type")
    | _of(_PATH, "repository")
    | _of(_OWNER, "repository_owner")
    | _of(_one_of("public", "private", "internal"), "repository_visibility")
    | _of(_one_of("github-hosted", "self-hosted"), "runner_environment")
    | _of(_TRUTH, "ref_protected")
    | _of(_COMMIT, "sha job_workflow_sha workflow_sha")
    | _of(_WORKFLOW, "job_workflow_ref workflow_ref")
)
# https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
_GITLAB: Final = (
    _of(_DIGITS, "job_id job_namespace_id job_project_id namespace_id pipeline_id project_id user_id")
    | _of(_form("(?!refs/).+", "has no refs/ before it, as `ref_path` does", within="(?!refs/).*"), "ref")
    | _of(_FULL_REF, "ref_path")
    | _of(_one_of("branch", "tag"), "ref_type")
    | _of(_PATH, "project_path job_project_path")
    | _of(_one_of("public", "private", "internal"), "project_visibility")
    | _of(_one_of("gitlab-hosted", "self-hosted"), "runner_environment")
    | _of(_TRUTH, "ref_protected environment_protected")
    | _of(_COMMIT, "sha ci_config_sha")
)
# https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
_ENTRA: Final = _of(_GUID, "appid azp oid tid") | _of(_one_of("app", "user"), "idtyp")
_FORMS: Final[Mapping[str, Mapping[ClaimPath, Form]]] = {
    "GitHub Actions": _GITHUB,
    "GitHub Enterprise Server": _GITHUB,
    "GitLab": _GITLAB,
    "Entra ID (v2.0)": _ENTRA,
    "Entra ID (v1.0)": _ENTRA,
    # https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
    "Google": _of(_DIGITS, "sub") | _of(_form(r"[^@/]+\.[^@/]+", "is a domain", within="[^@/]*"), "hd"),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html
    "AWS outbound identity federation": {("https://sts.amazonaws.com/", "aws_account"): _ACCOUNT},
    # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
    "Cognito": _of(_one_of("access", "id"), "token_use"),
}
