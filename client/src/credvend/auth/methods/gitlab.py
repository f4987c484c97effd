"""GitLab CI: the job's ID token, which GitLab puts into a variable that the job names.

See https://docs.gitlab.com/ci/secrets/id_token_authentication: the job declares the variable and the audience under
`id_tokens`. The name is the job's to choose, so this client expects one: `lean.GITLAB_TOKEN`.
"""

from __future__ import annotations

from credvend import lean
from credvend.auth.method import Method, TokenCaller
from credvend.errors import AuthenticationError


class GitLab(TokenCaller):
    """Sends the token that GitLab gave the job."""

    @property
    def token(self) -> str:
        token = self._environ.get(lean.GITLAB_TOKEN, "").strip()
        if not token:
            audience = self._config.audience or "credvend"
            raise AuthenticationError(
                f"The job has no token: add `id_tokens: {{{lean.GITLAB_TOKEN}: {{aud: {audience}}}}}` to it."
            )
        return token


METHOD = GitLab.method = Method(
    name="gitlab",
    summary="GitLab CI",
    missing=f"There is no {lean.GITLAB_TOKEN}: give the job `id_tokens: {lean.GITLAB_TOKEN}: aud: credvend`.",
    authenticator=GitLab,
)
