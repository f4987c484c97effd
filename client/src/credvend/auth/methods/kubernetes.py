"""Kubernetes: the projected token of the pod's service account, which the kubelet renews in its file.

See https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/, "ServiceAccount token volume
projection". The token that every pod has is for the cluster's API server, and is not taken here.
"""

from __future__ import annotations

from credvend import lean
from credvend.auth.bearer import Untrusted, token_in
from credvend.auth.method import Method, TokenCaller
from credvend.errors import AuthenticationError


class Kubernetes(TokenCaller):
    """Sends the token that the kubelet keeps in the file."""

    @property
    def token(self) -> str:
        path = self._config.token_file or lean.KUBERNETES_TOKEN
        try:
            # Read for each request: it is another one before the old one ends.
            return token_in(path, is_projected=True)
        except Untrusted:
            raise
        except AuthenticationError:
            raise AuthenticationError(
                f"There is no token in {path}: mount a projected service account token there, or set token_file."
            ) from None


METHOD = Kubernetes.method = Method(
    name="kubernetes",
    summary="a pod's projected service account token",
    missing="The pod has no token: mount a projected service account token, as the README shows.",
    authenticator=Kubernetes,
)
