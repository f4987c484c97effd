"""What do people recognise in the subject of a token? The parts that tell one from the next, without what all share.

Kubernetes: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens
GitLab: https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
GitHub: https://docs.github.com/en/actions/reference/security/oidc
AWS: docs/issuers/aws-outbound-identity-federation.md
"""

from typing import Final

# How subjects begin, and what follows the name of the project that says no more than its place does.
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"
_GITLAB_PROJECT: Final = "project_path:"
_GITHUB_REPOSITORY: Final = "repo:"
_SAID_BY_PLACE: Final = ("ref_type:branch:ref:", "ref_type:", "ref:refs/heads/", "ref:refs/")


def recognised(subject: str) -> tuple[str, ...]:
    """`("reports", "runner")` of `system:serviceaccount:reports:runner`; nothing of a subject of no known form."""
    if subject.startswith(_SERVICE_ACCOUNT):
        return _both(*subject.removeprefix(_SERVICE_ACCOUNT).partition(":")[::2])
    for begin in (_GITLAB_PROJECT, _GITHUB_REPOSITORY):
        if subject.startswith(begin):
            project, _, rest = subject.removeprefix(begin).partition(":")
            said = next((words for words in _SAID_BY_PLACE if rest.startswith(words)), "")
            return _both(project, rest.removeprefix(said).replace(":ref:", ":", 1))
    match subject.split(":", 5):
        case ["arn", _, _, _, account, resource]:
            return _both(resource.rpartition("/")[2], account)
    return ()


def _both(first: str, second: str) -> tuple[str, ...]:
    return (first, second) if first and second else ()
