"""What is known of issuers that many trust: how their URLs are written, and which claims their tokens have.

Only what checks a configuration reads this: the deployed function never does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from chalicelib.callers.oidc.issuer import ClaimPath

# `any`: documents and tokens differ, or it may be one of several.
ClaimType = Literal["text", "number", "boolean", "list", "object", "any"]

_GUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class KnownIssuer:
    """A kind of issuer.

    Attributes:
        name: what people call it.
        found_by: what the URL of one begins with, in lower case.
        url: what `iss` of its tokens is, as a whole.
        written: the same in words.
        certain: no other issuer's URL begins so, and its tokens have never another `iss`.
        claims: the types of the claims that its tokens may have, by their paths. What is below an object that is named
            without its parts is the holder's own.
        fixed: nobody but the issuer can change what its claims are.
        instead: names that people look for, and what it calls them.
        algorithms: of its signatures, as its discovery document says; empty: not known.
        types: `typ` of its tokens in lower case; empty: not known.
    """

    name: str
    found_by: re.Pattern[str]
    url: re.Pattern[str]
    written: str
    claims: Mapping[ClaimPath, ClaimType]
    certain: bool = True
    fixed: bool = True
    instead: Mapping[str, str] = field(default_factory=dict)
    algorithms: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


def known_issuer(url: str) -> KnownIssuer | None:
    """What is known of the issuer with that URL, however it is misspelt after its host."""
    return next((known for known in _KNOWN if known.found_by.match(url.lower())), None)


def _claims(
    text: str = "",
    number: str = "",
    boolean: str = "",
    lists: str = "",
    objects: str = "",
    varied: str = "",
    below: ClaimPath = (),
) -> dict[ClaimPath, ClaimType]:
    """Paths and types of claims, from their names with blanks between them."""
    types: tuple[tuple[str, ClaimType], ...] = (
        (text, "text"),
        (number, "number"),
        (boolean, "boolean"),
        (lists, "list"),
        (objects, "object"),
        (varied, "any"),
    )
    return {(*below, name): kind for names, kind in types for name in names.split()}


# RFC 7519, 4.1. `aud`, which is either a text or a list, is nobody's to require: `audiences` does.
REGISTERED: Final = _claims(text="iss sub jti", number="exp nbf iat")
# OpenID Connect Core 1.0, 2 and 5.1.
_PEOPLE: Final = _claims(
    text="""name given_name family_name middle_name nickname preferred_username profile picture website email gender
        birthdate zoneinfo locale phone_number azp nonce acr sid at_hash""",
    number="auth_time updated_at",
    boolean="email_verified phone_number_verified",
    lists="amr",
    objects="address",
)
# https://docs.github.com/en/actions/reference/security/oidc: ids and numbers are texts, too.
_GITHUB: Final = REGISTERED | _claims(
    text="""actor actor_id base_ref check_run_id enterprise enterprise_id environment environment_node_id event_name
        head_ref issuer_scope job_workflow_ref job_workflow_sha ref ref_protected ref_type repository repository_id
        repository_owner repository_owner_id repository_visibility run_attempt run_id run_number runner_environment sha
        workflow workflow_ref workflow_sha"""
)
# https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
_GITLAB: Final = REGISTERED | _claims(
    text="""ci_config_ref_uri ci_config_sha deployment_action deployment_tier environment environment_protected job_id
        job_project_id job_project_path job_namespace_id job_namespace_path job_source namespace_id namespace_path
        pipeline_id pipeline_source project_id project_path project_visibility ref ref_path ref_protected ref_type
        runner_environment sha user_access_level user_email user_id user_login""",
    number="runner_id",
    lists="groups_direct user_identities",
)
# https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
_KUBERNETES: Final = (
    REGISTERED
    | _claims(objects="kubernetes.io")
    | _claims(text="namespace", number="warnafter", objects="node pod secret serviceaccount", below=("kubernetes.io",))
    | {
        ("kubernetes.io", kind, name): "text"
        for kind in ("node", "pod", "secret", "serviceaccount")
        for name in ("name", "uid")
    }
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html
_AWS: Final = (
    REGISTERED
    | _claims(objects="https://sts.amazonaws.com/")
    | _claims(
        text="""aws_account source_region org_id principal_id identity_store_arn identity_store_user_id
            lambda_source_function_arn ec2_source_instance_arn ec2_instance_source_vpc
            ec2_instance_source_private_ipv4 ec2_role_delivery glue_credential_issuing_service source_identity
            original_session_exp federated_provider""",
        objects="principal_tags request_tags",
        varied="ou_path",
        below=("https://sts.amazonaws.com/",),
    )
)
# https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
_ENTRA: Final = REGISTERED | _claims(
    text="""acct aio email family_name given_name idp idtyp in_corp ipaddr name nonce oid onprem_sid pwd_url rh scp sid
        tenant_ctry tenant_region_scope tid upn uti ver verified_primary_email xms_mirid xms_tpl""",
    number="auth_time pwd_exp",
    boolean="hasgroups",
    lists="acrs groups roles wids xms_cc xms_pl",
)
_ENTRA_V1: Final = _ENTRA | _claims(text="acr appid appidacr unique_name", lists="amr")
_ENTRA_V2: Final = _ENTRA | _claims(text="azp azpacr preferred_username")
# https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
_OKTA: Final = REGISTERED | _PEOPLE | _claims(text="cid uid idp", number="ver", lists="scp groups")
# https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
_COGNITO: Final = (
    REGISTERED
    | _PEOPLE
    | _claims(
        text="""client_id cognito:preferred_role cognito:username device_key event_id origin_jti scope token_use
            username""",
        number="version",
        lists="cognito:groups cognito:roles identities",
    )
)
# https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
_GOOGLE: Final = REGISTERED | _PEOPLE | _claims(text="hd", objects="google")
_AUTH0: Final = REGISTERED | _PEOPLE | _claims(text="client_id gty org_id org_name scope", lists="permissions")
_KEYCLOAK: Final = (
    REGISTERED
    | _PEOPLE
    | _claims(
        text="client_id clientHost clientAddress scope session_state typ",
        lists="allowed-origins groups",
        objects="realm_access resource_access",
    )
    | _claims(lists="roles", below=("realm_access",))
)

# As the discovery documents of GitHub, GitLab, Google, Entra ID and Cognito say, and the headers of their tokens.
_RS256: Final = frozenset({"RS256"})
_JWT: Final = frozenset({"jwt"})

# A cluster's issuer may have any URL.
KUBERNETES: Final = KnownIssuer(
    "Kubernetes",
    re.compile(r"https?://kubernetes\.default(?![^./:])"),
    re.compile(r"https://kubernetes\.default(\.svc(\.[a-z0-9.-]+)?)?"),
    "https://kubernetes.default.svc.cluster.local",
    _KUBERNETES,
    certain=False,
)
_KNOWN: Final = (
    KnownIssuer(
        "GitHub Actions",
        re.compile(r"https?://token\.actions\.(githubusercontent\.com|[^/]+\.ghe\.com)(?![^/:])"),
        re.compile(r"https://token\.actions\.(githubusercontent\.com|[a-z0-9-]+\.ghe\.com)(/[A-Za-z0-9-]+)?"),
        "https://token.actions.githubusercontent.com",
        _GITHUB,
        instead={"project_path": "repository", "namespace_path": "repository_owner", "branch": "ref"},
        algorithms=_RS256,
        types=_JWT,
    ),
    KnownIssuer(
        "GitHub Enterprise Server",
        re.compile(r"https?://[^/]+/+_services/+token"),
        re.compile(r"https://[^/]+/_services/token"),
        "https://HOST/_services/token",
        _GITHUB,
        certain=False,
        algorithms=_RS256,
        types=_JWT,
    ),
    KnownIssuer(
        "GitLab",
        re.compile(r"https?://gitlab\.com(?![^/:])"),
        re.compile(r"https://gitlab\.com"),
        "https://gitlab.com",
        _GITLAB,
        instead={"repository": "project_path", "repository_owner": "namespace_path", "branch": "ref"},
        algorithms=_RS256,
        types=_JWT,
    ),
    KnownIssuer(
        "GitLab",
        re.compile(r"https?://gitlab\.[^/]+"),
        re.compile(r"https://[^/]+(/[^/]+)*"),
        "https://HOST",
        _GITLAB,
        certain=False,
        instead={"repository": "project_path", "repository_owner": "namespace_path", "branch": "ref"},
    ),
    KnownIssuer(
        "Google",
        re.compile(r"https?://accounts\.google\.com(?![^/:])"),
        re.compile(r"https://accounts\.google\.com"),
        "https://accounts.google.com",
        _GOOGLE,
        algorithms=_RS256,
        types=_JWT,
    ),
    KnownIssuer(
        "Entra ID (v2.0)",
        re.compile(r"https?://(login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn)(?![^/:])"),
        re.compile(rf"https://login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)/{_GUID}/v2\.0"),
        "https://login.microsoftonline.com/TENANT_ID/v2.0 with the tenant's id, no name and not common; that of v1.0 "
        "tokens is https://sts.windows.net/TENANT_ID/",
        _ENTRA_V2,
        instead={"appid": "azp", "appidacr": "azpacr", "unique_name": "preferred_username"},
        algorithms=_RS256,
        types=_JWT,
    ),
    KnownIssuer(
        "Entra ID (v1.0)",
        re.compile(r"https?://sts\.(windows\.net|chinacloudapi\.cn)(?![^/:])"),
        re.compile(rf"https://sts\.(windows\.net|chinacloudapi\.cn)/{_GUID}/"),
        "https://sts.windows.net/TENANT_ID/ with the tenant's id; that of v2.0 tokens is "
        "https://login.microsoftonline.com/TENANT_ID/v2.0",
        _ENTRA_V1,
        instead={"azp": "appid", "azpacr": "appidacr", "preferred_username": "unique_name"},
        algorithms=_RS256,
        types=_JWT,
    ),
    KnownIssuer(
        "Okta",
        re.compile(r"https?://[^/]+\.(okta|oktapreview|okta-emea|okta-gov)\.com(?![^/:])"),
        re.compile(r"https://[^/]+(?<!-admin)\.okta[a-z-]*\.com(/oauth2/[A-Za-z0-9]+)?"),
        "https://DOMAIN.okta.com/oauth2/SERVER_ID, not with the admin console's domain",
        _OKTA,
        fixed=False,
        instead={"client_id": "cid", "user_id": "uid", "scope": "scp"},
    ),
    KnownIssuer(
        "Auth0",
        re.compile(r"https?://[^/]+\.auth0\.com(?![^/:])"),
        re.compile(r"https://[^/]+\.auth0\.com/"),
        "https://DOMAIN.auth0.com/, with the slash",
        _AUTH0,
        fixed=False,
    ),
    KnownIssuer(
        "Cognito",
        re.compile(r"https?://(cognito-idp\.[^/]+|[^/]+\.amazoncognito\.com)"),
        re.compile(r"https://cognito-idp\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/\1_[A-Za-z0-9]+"),
        "https://cognito-idp.REGION.amazonaws.com/USER_POOL_ID, of which the id begins with the region",
        _COGNITO,
        fixed=False,
        instead={"groups": "cognito:groups"},
        algorithms=_RS256,
    ),
    KnownIssuer(
        "Amazon EKS",
        re.compile(r"https?://(oidc\.eks\.[^/]+|[^/]+\.eks\.amazonaws\.com)"),
        re.compile(r"https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[0-9A-Z]+"),
        "https://oidc.eks.REGION.amazonaws.com/id/ID, as `aws eks describe-cluster` prints it",
        _KUBERNETES,
    ),
    KnownIssuer(
        "Azure Kubernetes Service",
        re.compile(r"https?://([^/]+\.)?oic\.prod-aks\.azure\.com(?![^/:])"),
        re.compile(rf"https://[^/]+/({_GUID}/){{1,2}}"),
        "https://REGION.oic.prod-aks.azure.com/TENANT_ID/ID/, with the slash",
        _KUBERNETES,
        certain=False,
    ),
    KnownIssuer(
        "Google Kubernetes Engine",
        re.compile(r"https?://container\.googleapis\.com(?![^/:])"),
        re.compile(r"https://container\.googleapis\.com/v1/projects/[^/]+/(locations|zones)/[^/]+/clusters/[^/]+"),
        "https://container.googleapis.com/v1/projects/PROJECT/locations/LOCATION/clusters/CLUSTER",
        _KUBERNETES,
    ),
    KUBERNETES,
    KnownIssuer(
        "AWS outbound identity federation",
        re.compile(r"https?://[^/]+\.tokens\.sts\.global\.api\.aws(?![^/:])"),
        re.compile(r"https://[0-9a-z-]+\.tokens\.sts\.global\.api\.aws"),
        "https://ID.tokens.sts.global.api.aws",
        _AWS,
    ),
    KnownIssuer(
        "Keycloak",
        re.compile(r"https?://[^/]+(/+[^/]+)?/+realms/"),
        re.compile(r"https://[^/]+(/[^/]+)?/realms/[^/]+"),
        "https://HOST/realms/REALM",
        _KEYCLOAK,
        certain=False,
        fixed=False,
    ),
)
