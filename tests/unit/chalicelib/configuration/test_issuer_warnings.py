"""Mistakes of issuers.yaml that would show with the first token are told before anything is deployed."""

import re
from pathlib import Path
from typing import Final

import pytest

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.issuer_warnings import issuer_mistakes, issuer_warnings
from chalicelib.configuration.issuers_file import load_issuers
from chalicelib.configuration.load import load_configuration
from chalicelib.configuration.settings import Settings
from chalicelib.configuration.source import read_source
from chalicelib.errors import ConfigError
from ops.environments import ROOT
from testing.app import write_config
from testing.documents import blocks_of

GITHUB: Final = "https://token.actions.githubusercontent.com"
TENANT: Final = "11111111-2222-3333-4444-555555555555"
ENTRA: Final = f"https://login.microsoftonline.com/{TENANT}/v2.0"
ENTRA_V1: Final = f"https://sts.windows.net/{TENANT}/"
COGNITO: Final = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE"
EKS: Final = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
AUTH0: Final = "https://acme.eu.auth0.com/"
OKTA: Final = "https://acme.okta.com/oauth2/default"
GOOGLE: Final = "https://accounts.google.com"
GITLAB: Final = "https://gitlab.com"
AWS: Final = f"https://{TENANT}.tokens.sts.global.api.aws"
OWN: Final = "https://id.example.com"
EVERYBODYS: Final = {GITHUB: "repository_owner_id", GITLAB: "namespace_id", GOOGLE: "sub"}


def issuer(directory: Path, url: str, lines: str = "") -> Issuer:
    # Of these, an entry must keep somebody out.
    if url in EVERYBODYS and "required_claims" not in lines:
        lines = f"{lines}\nrequired_claims: {{sub: '1'}}"
    audiences = "" if "audiences:" in lines else f"audiences: [{TENANT if 'microsoft' in url else 'credvend'}]"
    keys = "\n".join(f"    {line}" for line in (audiences, *lines.splitlines()) if line)
    (directory / "issuers.yaml").write_text(f'issuers:\n  - name: main\n    issuer: "{url}"\n{keys}\n')
    (found,) = load_issuers(directory / "issuers.yaml", allow_loopback_http=False)
    return found


def told(directory: Path, url: str, lines: str = "") -> tuple[list[str], list[str]]:
    """The errors, and the warnings."""
    one = issuer(directory, url, lines)
    return issuer_mistakes([one]), issuer_warnings([one])


URLS: Final = {
    f"{GITHUB}/": f"GitHub Actions tokens: {GITHUB}",
    f"{GITHUB}//acme": f"tokens: {GITHUB}/acme",
    f"{GITHUB}:443": f"tokens: {GITHUB}",
    "https://Token.Actions.GitHubUserContent.com": f"tokens: {GITHUB}",
    f"{GITHUB}/.well-known/openid-configuration": f"the issuer itself is {GITHUB}",
    f"{GITHUB}/.well-known/jwks": f"the issuer itself is {GITHUB}",
    f"{OWN}/.well-known/openid-configuration": f"the issuer itself is {OWN}",
    f"{OWN}/.well-known": f"the issuer itself is {OWN}",
    f"{GITLAB}/": f"tokens: {GITLAB}",
    f"{GITLAB}/acme": "is none of GitLab: those are https://gitlab.com",
    f"{GOOGLE}/": f"tokens: {GOOGLE}",
    f"{ENTRA}/": f"tokens: {ENTRA}",
    ENTRA.replace("1111-", "AAAA-"): f"tokens: {ENTRA.replace('1111-', 'aaaa-')}",
    f"https://login.microsoftonline.com/{TENANT}": "is none of Entra ID (v2.0): those are https://login",
    "https://login.microsoftonline.com/common/v2.0": "no name and not common",
    "https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0": "no name and not common",
    f"https://sts.windows.net/{TENANT}": f"tokens: {ENTRA_V1}",
    f"https://sts.windows.net/{TENANT}/v2.0": "that of v2.0 tokens is https://login.microsoftonline.com",
    "https://acme.eu.auth0.com": f"tokens: {AUTH0}",
    f"{OKTA}/": f"tokens: {OKTA}",
    "https://acme-admin.okta.com/oauth2/default": "not with the admin console's domain",
    f"{OKTA}/v1/keys": "is none of Okta",
    f"{COGNITO}/": f"tokens: {COGNITO}",
    COGNITO.replace("eu-west-1_", "eu-central-1_"): "the id begins with the region",
    "https://acme.auth.eu-west-1.amazoncognito.com": "those are https://cognito-idp.REGION",
    f"{EKS}/": f"tokens: {EKS}",
    "https://0123456789ABCDEF0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com": "aws eks describe-cluster",
    f"{AWS}/": f"tokens: {AWS}",
    "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c/": "/clusters/c",
}


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_no_token_of_the_issuer_has_is_an_error(tmp_path: Path, url: str) -> None:
    errors, warnings = told(tmp_path, url)
    assert len(errors) == 1 and not warnings
    assert errors[0].startswith("issuers.yaml: issuer 'main': `issuer` ") and URLS[url] in errors[0]


LIKELY_URLS: Final = {
    "https://ID.example.com": "https://id.example.com, most likely",
    "https://id.example.com:443/a": "https://id.example.com/a, most likely",
    "https://id.example.com//a": "https://id.example.com/a, most likely",
    "https://id.example.com/oauth2/v1/keys": "the address of something",
    "https://id.example.com/authorize": "the address of something",
    "https://token.action.githubusercontent.com": "Did you mean token.actions.githubusercontent.com?",
    "https://token.actions.githubusercontent.community": "Did you mean token.actions.githubusercontent.com?",
    "https://account.google.com": "Did you mean accounts.google.com?",
    "https://github.com/acme": f"of GitHub Actions is {GITHUB}",
    "https://gitlab.example.com/": "tokens: https://gitlab.example.com",
    "https://github.example.com/_services/token/": "tokens: https://github.example.com/_services/token",
    "https://sso.example.com/realms/acme/": "Keycloak tokens: https://sso.example.com/realms/acme",
    "https://sso.example.com/realms/acme/protocol/openid-connect/certs": "is none of Keycloak",
    f"https://eastus.oic.prod-aks.azure.com/{TENANT}/{TENANT}": f"azure.com/{TENANT}/{TENANT}/",
    "https://acme.okta.com": "org authorization server cannot be verified",
    "https://10.0.0.1": "cannot be reached from Lambda",
    "https://keycloak": "cannot be reached from Lambda",
    "https://id.corp.internal": "cannot be reached from Lambda",
}


@pytest.mark.parametrize("url", LIKELY_URLS)
def test_a_url_that_is_likely_wrong_is_a_warning(tmp_path: Path, url: str) -> None:
    errors, warnings = told(tmp_path, url)
    assert not errors and len(warnings) == 1
    assert LIKELY_URLS[url] in warnings[0]


@pytest.mark.parametrize(
    "url",
    [
        *(GITHUB, GITLAB, GOOGLE, ENTRA, ENTRA_V1, AUTH0, OKTA, COGNITO, EKS, AWS, OWN),
        f"{GITHUB}/acme",
        "https://token.actions.acme.ghe.com",
        "https://github.example.com/_services/token",
        "https://gitlab.example.com",
        "https://sso.example.com/auth/realms/acme",
        f"https://eastus.oic.prod-aks.azure.com/{TENANT}/{TENANT}/",
        "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
        "https://id.example.com/",
        "https://id.example.com:8443/a/b",
        "https://okta.com.example.com",
    ],
)
def test_a_url_that_is_right_or_unknown_is_silently_taken(tmp_path: Path, url: str) -> None:
    assert told(tmp_path, url) == ([], [])


ERRORS: Final = {
    (GITHUB, "required_claims: {repository_owner_id: 123}"): 'repository_owner_id is a text: write "123"',
    (GITHUB, "required_claims: {repository_owner_id: [ '1', 123 ]}"): 'write "123"',
    (GITHUB, "required_claims: {sub: 123}"): 'asks for sub: 123, but its sub is a text: write "123"',
    (GITLAB, "required_claims: {namespace_id: 72}"): "GitLab namespace_id is a text",
    (GITLAB, "required_claims: {ref_protected: true}"): 'write "true"',
    (GITLAB, "required_claims: {runner_id: '7'}"): "is a number: write it without quotes",
    (GITLAB, "required_claims: {groups_direct: acme}"): "is a list, which equals no value",
    (GOOGLE, "required_claims: {sub: 112233445566778899000}"): 'write "112233445566778899000"',
    (GOOGLE, "required_claims: {email_verified: 'true'}"): "is true or false: write it without quotes",
    (EKS, "required_claims: {kubernetes.io: prod}"): "is an object, which equals no value",
    (ENTRA, "required_claims: {ver: 2}"): 'write "2"',
    (ENTRA, "required_claims: {roles: admin}"): "Entra ID (v2.0) roles is a list",
    (ENTRA, "required_claims: {ver: '1.0'}"): "another `ver` than 2.0",
    (ENTRA_V1, "required_claims: {ver: '2.0'}"): "another `ver` than 1.0",
    (OWN, "required_claims: {sub: 7}"): 'its sub is a text: write "7"',
    (OWN, "required_claims: {iss: true}"): 'its iss is a text: write "true"',
    (OWN, f"jwks_uri: {OWN}/.well-known/openid-configuration"): "which holds no keys: leave `jwks_uri` out",
}


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_what_no_token_can_fit_is_an_error(tmp_path: Path, case: tuple[str, str]) -> None:
    errors, _ = told(tmp_path, *case)
    (error,) = (one for one in errors if ERRORS[case] in one)
    assert error.startswith("issuers.yaml: issuer 'main': ")


WARNINGS: Final = {
    # An unquoted number where the claim may be a text.
    (OWN, "required_claims: {team: 7}"): 'asks for the number 7 in team; if it is a text: "7"',
    (OKTA, "required_claims: {uid: 7}"): 'Okta uid is a text: write "7"',
    (OKTA, "required_claims: {groups: admins}"): "is a list, which equals no value",
    # Names that are nearly right.
    (
        GITHUB,
        "claims: {owner: repository_ower}",
    ): "`claims`: GitHub Actions tokens have no repository_ower. Did you mean repository_owner?",
    (GITHUB, "required_claims: {repositoryOwnerId: '1'}"): "Did you mean repository_owner_id?",
    (GITHUB, "claims: {path: project_path}"): "Did you mean repository?",
    (
        GITHUB,
        "subject_claim: actorid",
    ): "`subject_claim`: GitHub Actions tokens have no actorid, so every token",
    (GITLAB, "claims: {ref: branch}"): "Did you mean ref?",
    (EKS, "claims: {ns: kubernetes.io.namespace}"): "Did you mean [kubernetes.io, namespace]?",
    (EKS, "claims: {ns: namespace}"): "Did you mean [kubernetes.io, namespace]?",
    (
        EKS,
        "claims: {ns: [kubernetes.io, service_account, name]}",
    ): "Did you mean [kubernetes.io, serviceaccount, name]?",
    (OWN, "claims: {ns: kubernetes.io/namespace}"): "Did you mean [kubernetes.io, namespace]?",
    (AWS, "claims: {account: aws_account}"): "Did you mean [https://sts.amazonaws.com/, aws_account]?",
    (
        AWS,
        'claims: {account: ["https://sts.amazonaws.com", aws_account]}',
    ): "Did you mean [https://sts.amazonaws.com/, aws",
    (ENTRA, "claims: {client: appid}"): "Entra ID (v2.0) tokens have no appid. Did you mean azp?",
    (ENTRA_V1, "claims: {client: azp}"): "Did you mean appid?",
    (ENTRA, "groups_claim: role"): "`groups_claim`: Entra ID (v2.0) tokens have no role. Did you mean roles?",
    (
        OKTA,
        "audience_claim: client_id",
    ): "`audience_claim`: Okta tokens have no client_id, so every token of this issuer would be refused.",
    (COGNITO, "groups_claim: groups"): "Did you mean cognito:groups?",
    (COGNITO, "groups_claim: cognito_groups"): "Did you mean cognito:groups?",
    (ENTRA, "single_use: true"): "`single_use` wants a jti, which Entra's tokens do not have",
    (GITHUB, "required_claims: {repository_ownerid: '1'}"): "so every token of this issuer would be refused. Did you",
    # Values that a claim never has.
    (
        GITHUB,
        "required_claims: {repository_owner_id: acme}",
    ): "but GitHub Actions repository_owner_id consists of digits alone",
    (GITHUB, "required_claims: {ref: [main, refs/heads/main]}"): 'asks for ref: "main", but GitHub Actions ref begins',
    (GITHUB, "required_claims: {repository: app}"): "repository is written with its owner, OWNER/NAME",
    (GITHUB, "required_claims: {repository_owner: acme/app}"): "is a name without a slash",
    (GITHUB, "required_claims: {ref_protected: 'yes'}"): "is true or false",
    (GITHUB, "required_claims: {runner_environment: github}"): "is github-hosted or self-hosted",
    (GITHUB, "required_claims: {job_workflow_ref: deploy.yml}"): "OWNER/NAME/.github/workflows/FILE@REF",
    (GITLAB, "required_claims: {ref: refs/heads/main}"): "GitLab ref has no refs/ before it",
    (GITLAB, "required_claims: {namespace_id: acme}"): "GitLab namespace_id consists of digits alone",
    (ENTRA, "required_claims: {tid: acme.onmicrosoft.com}"): "tid is a GUID",
    (GOOGLE, "required_claims: {sub: me@example.com}"): "its sub consists of digits alone",
    (COGNITO, "required_claims: {token_use: refresh}"): "token_use is access or id",
    # Signatures.
    (GITHUB, "algorithms: [ES256]"): "none of RS256, with which GitHub Actions signs: every token of this issuer would",
    (ENTRA, "algorithms: [PS256, ES256]"): "`algorithms` has none of RS256",
    (GITHUB, "types: [at+jwt]"): "`types` lacks JWT, which is the typ of GitHub Actions tokens: every token",
    # Subjects that change hands.
    (ENTRA, "subject_claim: email"): "`subject_claim` is email, which people can change and others can be given",
    (ENTRA, "subject_claim: preferred_username"): "Write oid, and have `claims` tell preferred_username",
    (ENTRA, "subject_claim: upn"): "Write oid",
    (ENTRA_V1, "subject_claim: unique_name"): "Write oid",
    (GOOGLE, "subject_claim: email"): "Write sub",
    (OKTA, "subject_claim: preferred_username"): "Write sub",
    (GITHUB, "subject_claim: actor"): "Write actor_id",
    (GITLAB, "subject_claim: user_login"): "Write user_id",
    # Audiences.
    (ENTRA, "audiences: ['api://credvend']"): "audience 'api://credvend' is no client id",
    (COGNITO, "required_claims: {token_use: access}"): "set `audience_claim: client_id`",
    (COGNITO, "required_claims: {token_use: id}\naudience_claim: client_id"): "leave `audience_claim` out",
    (OWN, "audiences: ['credvend ']"): "has blanks around it",
    (OWN, "audiences: ['a, b']"): "looks like several",
    (OWN, "audiences: ['a b']"): "looks like several",
    (OWN, "audiences: ['*']"): "has a `*`",
    (OWN, "audiences: ['https:/credvend.example.com']"): "looks like a misspelt URL",
    (OWN, "audiences: ['https//credvend.example.com']"): "looks like a misspelt URL",
    (OWN, "audiences: ['htps://credvend.example.com']"): "looks like a misspelt URL",
    (OWN, "audiences: ['https://credvend.example.com//a']"): "looks like a misspelt URL",
    (OWN, "audiences: ['api:/default']"): "looks like a misspelt URL",
    (OWN, f"audiences: ['{OWN}/.well-known/openid-configuration']"): "is the address of a document",
    (OWN, f"audiences: ['{OWN}']"): "is the issuer itself",
}


@pytest.mark.parametrize("case", WARNINGS, ids=str)
def test_what_is_likely_a_mistake_is_a_warning(tmp_path: Path, case: tuple[str, str]) -> None:
    errors, warnings = told(tmp_path, *case)
    assert not errors and len(warnings) == 1 and WARNINGS[case] in warnings[0]


@pytest.mark.parametrize(
    ("url", "lines"),
    [
        (GITHUB, "required_claims: {repository_owner_id: '123', repository: '*'}\nclaims: {team: repo_property_team}"),
        (GITLAB, "required_claims: {runner_id: 7}\nsingle_use: true"),
        (
            GITHUB,
            "required_claims: {ref: [refs/heads/main, refs/tags/v1], repository: acme/app, environment: production}",
        ),
        (GITHUB, "algorithms: [RS256, ES256]\ntypes: [JWT]\nsubject_claim: repository_id"),
        (GITLAB, "required_claims: {ref: main, ref_type: branch, project_path: acme/sub/app, ref_protected: 'true'}"),
        (GITLAB, "required_claims: {ref_path: refs/heads/main}\nsubject_claim: user_id"),
        (ENTRA, f"required_claims: {{tid: '{TENANT}', azp: '{TENANT}'}}\nsubject_claim: oid\nclaims: {{email: email}}"),
        (COGNITO, "subject_claim: username"),
        (OWN, "subject_claim: email\nalgorithms: [ES256]\ntypes: [at+jwt]"),
        (GOOGLE, "required_claims: {email_verified: true}\nclaims: {d: hd}"),
        (EKS, "claims: {p: [kubernetes.io, pod, uid], n: [kubernetes.io, node, name]}"),
        (
            AWS,
            'claims: {t: ["https://sts.amazonaws.com/", principal_tags, x]}',
        ),
        (
            ENTRA,
            "groups_claim: groups\nrequired_claims: {ver: ['2.0', '1.0'], tid: '*'}\nclaims: {d: extension_department}",
        ),
        (OKTA, "audiences: ['api://default', 'https://credvend.example.com', 'urn:credvend:prod']"),
        (OKTA, "claims: {d: department, c: costCenter}"),
        (COGNITO, "required_claims: {token_use: access}\naudience_claim: client_id\nclaims: {t: 'custom:tenant'}"),
        (OWN, "required_claims: {admin: true, team: blue, aud: credvend}\nclaims: {n: repository_ower}"),
        ("https://kubernetes.default.svc", "jwks_uri: https://example.com/keys"),
        ("https://10.0.0.1", "jwks_uri: https://example.com/keys"),
    ],
)
def test_what_may_well_be_meant_is_silently_taken(tmp_path: Path, url: str, lines: str) -> None:
    assert told(tmp_path, url, lines) == ([], [])


@pytest.mark.parametrize("claims", ["{}", "{ref: '*', sub: '*'}"])
@pytest.mark.parametrize(("url", "whose"), EVERYBODYS.items())
def test_an_issuer_of_everybody_that_keeps_nobody_out_is_warned_of(
    tmp_path: Path, url: str, whose: str, claims: str
) -> None:
    errors, (warning,) = told(tmp_path, url, f"required_claims: {claims}")
    assert not errors and warning.endswith(f"`required_claims` keeps nobody out: require {whose}")


def test_all_entries_to_copy_are_without_a_mistake(tmp_path: Path) -> None:
    texts = [path.read_text() for path in sorted((ROOT / "docs/issuers").glob("*.md"))]
    entries = [block for text in texts for block in blocks_of(text, "yaml") if block.startswith("issuers:")]
    assert len(entries) >= 8
    for entry in entries:
        for file in re.findall(r"jwks_file: (\S+)", entry):
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text('{"keys": []}')
        (tmp_path / "issuers.yaml").write_text(entry)
        loaded = load_issuers(tmp_path / "issuers.yaml", allow_loopback_http=False)
        assert (issuer_mistakes(loaded), issuer_warnings(loaded)) == ([], [])


def test_errors_keep_a_configuration_from_loading_and_warnings_do_not(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    (config / "issuers.yaml").write_text(f"issuers: [{{name: a, issuer: '{GITHUB}/', audiences: ['credvend ']}}]")
    with pytest.raises(ConfigError, match="must be exactly"):
        load_configuration(config, Settings("eu-west-1"))
    (config / "issuers.yaml").write_text(f"issuers: [{{name: a, issuer: '{OWN}', audiences: ['credvend ']}}]")
    warnings = configuration_warnings(read_source(config, allow_loopback_http=False))
    (warning,) = (one for one in warnings if one.startswith("issuers.yaml: "))
    assert "has blanks around it" in warning
