"""Which kinds of callers are there? Whatever must hold for each of them goes through this list."""

from typing import Final

from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.sigv4 import SIGNING_KINDS

KINDS: Final[tuple[type[Caller], ...]] = (*SIGNING_KINDS, OidcSubject, ServiceToken)
