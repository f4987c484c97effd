"""Who signed the request? The caller, from nothing but what API Gateway has verified.

The values of `requestContext.identity` are set by API Gateway after it checked the SigV4 signature; headers
and body are the caller's own words and are never looked at here.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import re
from collections.abc import Mapping
from typing import Final

from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_principal import IamCaller, Principal
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.errors import CallerRefused, Unauthenticated

# Half of a surrogate pair is no text: nobody could write it, and Cedar's engine does not take it.
_TEXT = r"[^\ud800-\udfff]+"
_ARN = re.compile(rf"arn:(aws[a-z-]*):(iam|sts)::([0-9]{{12}}):({_TEXT})", re.ASCII)
_ACCESS_KEY_ID = re.compile(r"\w{1,128}", re.ASCII)
SIGNING_KINDS: Final[tuple[type[IamCaller], ...]] = (IamUser, IamRoleSession, FederatedUser)


def identify_caller(identity: Mapping[str, object]) -> IamCaller:
    """The caller named by an API Gateway event's `requestContext.identity`.

    Raises:
        Unauthenticated: API Gateway named nobody, or something that is not an AWS principal.
        CallerRefused: the account root, or a Cognito identity pool (its users share one session name).
    """
    arn, account, principal_id = (identity.get(key) for key in ("userArn", "accountId", "caller"))
    if not (isinstance(arn, str) and isinstance(account, str) and isinstance(principal_id, str)):
        raise Unauthenticated("Sign the request with AWS credentials (SigV4, service execute-api).")
    access_key_id = _access_key_id(identity.get("accessKey"))
    if identity.get("cognitoIdentityId"):
        raise CallerRefused(
            "Callers from a Cognito identity pool are not served: their sessions do not name a person.", access_key_id
        )
    match = _ARN.fullmatch(arn)
    if match is None or match[3] != account or re.fullmatch(_TEXT, principal_id) is None:
        raise Unauthenticated("API Gateway named a principal that credvend does not know.")
    resource_type, _, resource = match[4].partition("/")
    return _caller(Principal(match[1], match[2], account, resource_type, resource, principal_id, access_key_id))


def _access_key_id(value: object) -> str | None:
    """The id of the key that the signature was made with, for the record. Nobody is refused for want of it.

    The form is that of https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html (AccessKeyId), without
    its smallest length.
    """
    return value if isinstance(value, str) and _ACCESS_KEY_ID.fullmatch(value) else None


def _caller(principal: Principal) -> IamCaller:
    if (principal.service, principal.resource_type) == ("iam", "root"):
        raise CallerRefused("The account root is never served. Call as an IAM user or a role.", principal.access_key_id)
    for kind in SIGNING_KINDS:
        caller = kind.of_principal(principal)
        if caller is not None:
            return caller
    raise Unauthenticated("API Gateway named a principal that credvend does not know.")
