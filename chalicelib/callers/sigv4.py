"""Who is calling? The caller, from nothing but what API Gateway has verified.

The values of `requestContext.identity` are set by API Gateway after it checked the SigV4 signature; headers
and body are the caller's own words and are never looked at here.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chalicelib.errors import CallerRefused, Unauthenticated

_ARN = re.compile(r"arn:(aws[a-z-]*):(iam|sts)::([0-9]{12}):(.+)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class IamUser:
    """An IAM user.

    Attributes:
        arn: `arn:PARTITION:iam::ACCOUNT:user/PATH/NAME`.
        name: the user's name, without the path.
        path: `/` or `/division/team/`.
        principal_id: the unique id (`AIDA...`); differs when a user is deleted and made again.
    """

    kind: ClassVar[str] = "IamUser"
    partition: str
    account: str
    path: str
    name: str
    principal_id: str

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:user{self.path}{self.name}"

    @property
    def identifier(self) -> str:
        return self.arn


@dataclass(frozen=True, slots=True)
class IamRoleSession:
    """A session of an IAM role (which an SSO user or a workload is, too).

    Attributes:
        role_name: the role's name; STS does not tell the path, and names are unique in an account without it.
        session_name: the RoleSessionName that the session was made with.
        principal_id: `AROA...:SESSION_NAME`.
    """

    kind: ClassVar[str] = "IamRole"
    partition: str
    account: str
    role_name: str
    session_name: str
    principal_id: str

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.role_name}/{self.session_name}"

    @property
    def identifier(self) -> str:
        return self.arn

    @property
    def role_arn(self) -> str:
        """ARN of the role, without its path: `arn:PARTITION:iam::ACCOUNT:role/NAME`."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role_name}"


@dataclass(frozen=True, slots=True)
class FederatedUser:
    """A session made with sts:GetFederationToken.

    Attributes:
        name: the federated user's name.
        principal_id: `ACCOUNT:NAME`.
    """

    kind: ClassVar[str] = "FederatedUser"
    partition: str
    account: str
    name: str
    principal_id: str

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:sts::{self.account}:federated-user/{self.name}"

    @property
    def identifier(self) -> str:
        return self.arn


Claim = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OidcSubject:
    """Whom a trusted issuer's token is about.

    Attributes:
        issuer: the issuer's name in issuers.yaml, which has no colon.
        subject: what the issuer calls it.
        groups: as the issuer names them.
        claims: the tags of its Cedar entity: text, or several texts.
    """

    kind: ClassVar[str] = "OidcSubject"
    issuer: str
    subject: str
    groups: tuple[str, ...] = ()
    claims: tuple[tuple[str, Claim], ...] = ()

    @property
    def identifier(self) -> str:
        return f"oidc:{self.issuer}:{self.subject}"


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """The holder of an API token.

    Attributes:
        name: of the token; unique among the live ones.
        owner: who answers for it.
        tags: keys and values, for policies.
        token_id: which of the tokens of that name it is, where one was rotated.
    """

    kind: ClassVar[str] = "ServiceToken"
    name: str
    owner: str
    tags: tuple[tuple[str, str], ...] = ()
    token_id: str = ""

    @property
    def identifier(self) -> str:
        return f"token:{self.name}"


IamCaller = IamUser | IamRoleSession | FederatedUser
Caller = IamCaller | OidcSubject | ServiceToken


def identify_caller(identity: Mapping[str, object]) -> IamCaller:
    """The caller named by an API Gateway event's `requestContext.identity`.

    Raises:
        Unauthenticated: API Gateway named nobody, or something that is not an AWS principal.
        CallerRefused: the account root, or a Cognito identity pool (its users share one session name).
    """
    arn, account, principal_id = (identity.get(key) for key in ("userArn", "accountId", "caller"))
    if not (isinstance(arn, str) and isinstance(account, str) and isinstance(principal_id, str)):
        raise Unauthenticated("Sign the request with AWS credentials (SigV4, service execute-api).")
    if identity.get("cognitoIdentityId"):
        raise CallerRefused("Callers from a Cognito identity pool are not served: their sessions do not name a person.")
    match = _ARN.fullmatch(arn)
    if match is None or match[3] != account:
        raise Unauthenticated("API Gateway named a principal that credvend does not know.")
    return _caller(match[1], match[2], account, match[4], principal_id)


def _caller(partition: str, service: str, account: str, resource: str, principal_id: str) -> IamCaller:
    kind, _, rest = resource.partition("/")
    match service, kind:
        case "iam", "root":
            raise CallerRefused("The account root is never served. Call as an IAM user or a role.")
        case "iam", "user" if rest:
            path, slash, name = rest.rpartition("/")
            return IamUser(partition, account, f"/{path}{slash}", name, principal_id)
        case "sts", "assumed-role" if "/" in rest:
            role_name, _, session_name = rest.partition("/")
            return IamRoleSession(partition, account, role_name, session_name, principal_id)
        case "sts", "federated-user" if rest:
            return FederatedUser(partition, account, rest, principal_id)
    raise Unauthenticated("API Gateway named a principal that credvend does not know.")
