"""Which kinds of callers are there? Whatever must hold for each of them goes through this list."""

from typing import Final

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken

KINDS: Final[tuple[type[Caller], ...]] = (IamUser, IamRoleSession, FederatedUser, OidcSubject, ServiceToken)
