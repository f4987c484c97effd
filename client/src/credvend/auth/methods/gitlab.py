"""GitLab CI: the job's ID token, which GitLab puts into a variable that the job names.

See https://docs.gitlab.com/ci/secrets/id_token_authentication: the job declares the variable and the audience under
`id_tokens`. The name is the job's to choose, so this client expects one: `lean.GITLAB_TOKEN`.
"""

from __future__ import annotations

from collections.abc import Mapping

from credvend import lean
from credvend.auth.bearer import bearer
from credvend.auth.method import Method, Scheme
from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError


class GitLab:
    """Sends the token that GitLab gave the job."""

    scheme: Scheme = "bearer"

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def cache_identity(self) -> str:
        return METHOD.identity(self._config, self._environ)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        token = self._environ.get(lean.GITLAB_TOKEN, "").strip()
        if not token:
            audience = self._config.audience or "credvend"
            raise AuthenticationError(
                f"The job has no token: add `id_tokens: {{{lean.GITLAB_TOKEN}: {{aud: {audience}}}}}` to it."
            )
        return bearer(token)


METHOD = Method(
    name="gitlab",
    summary="GitLab CI",
    missing=f"There is no {lean.GITLAB_TOKEN}: give the job `id_tokens: {lean.GITLAB_TOKEN}: aud: credvend`.",
    authenticator=GitLab,
)
