"""Requests to a service of our own, signed as AWS signs them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ConnectionError as NotConnected
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from ops.aws.account import Account


class NotAnswered(Exception):
    """Nothing answers; the message says why."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer over HTTP."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class SignedHttp:
    """Sends requests as the principal of an account, whose credentials are looked up once."""

    credentials: Credentials
    region: str
    session: URLLib3Session

    def send(self, method: str, url: str, data: bytes, headers: Mapping[str, str], sign: bool) -> HttpAnswer:
        """Send a request to API Gateway.

        Args:
            sign: with SigV4.

        Raises:
            NotAnswered: nothing answers.
        """
        request = AWSRequest(method, url, data=data, headers=dict(headers))
        if sign:
            SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        try:
            sent = self.session.send(request.prepare())
        except (HTTPClientError, NotConnected) as error:
            raise NotAnswered(str(error)) from None
        return HttpAnswer(sent.status_code, sent.content.decode(errors="replace"))


def signed_http(account: Account, url: str, timeout: int) -> SignedHttp:
    """What sends requests below a URL, through the proxy that the environment names for it.

    Args:
        timeout: seconds.
    """
    bundle = account.aws.environment.get("AWS_CA_BUNDLE") or True
    # It takes the path of a bundle as well, which its types do not say.
    session = URLLib3Session(cast(bool, bundle), proxies=get_environ_proxies(url), timeout=timeout)
    return SignedHttp(account.credentials(), account.region, session)
