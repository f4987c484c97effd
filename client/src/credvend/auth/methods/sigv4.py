"""SigV4: the caller's AWS credentials, from wherever the AWS credential chain of botocore finds them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from credvend.auth.aws_credentials import Signing, aws_credentials
from credvend.auth.method import Caller, Method, Question
from credvend.errors import AuthenticationError, SignInNeeded, UsageError
from credvend.own_session import own_role

# Of an API, or of a VPC endpoint; in the domains of the parts of AWS, as botocore's partitions.json has them.
_HOST = re.compile(
    r"[a-z0-9-]+\.execute-api(-fips)?\.(?P<region>[a-z0-9-]+)\.(vpce\.)?"
    r"(amazonaws\.(com|com\.cn|eu)|api\.aws|api\.amazonwebservices\.(com\.cn|eu))"
)
_NEEDS = "To sign with AWS credentials takes botocore: pip install botocore; or choose another way to authenticate."
_NOTHING = (
    "There is nothing to prove who you are with: run `credvend login`, set CREDVEND_TOKEN, "
    "or have AWS credentials to sign with (AWS_PROFILE)"
)


class SigV4(Caller):
    """Signs each request."""

    scheme = "sigv4"
    # Of the last request: to get it again may ask for a code again.
    _signing: Signing | None = None

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
        except ImportError:
            if self._config.auth == "sigv4":
                raise UsageError(_NEEDS) from None
            # Whoever has configured nothing gets here, and need not mean AWS credentials at all.
            raise self._nobody(f"{_NOTHING}, which takes botocore: pip install botocore.") from None
        self._signing = signing = self._credentials(url)
        region = self.region(url)
        request = AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"} if body else {})
        SigV4Auth(signing.keys, "execute-api", region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}

    def _credentials(self, url: str) -> Signing:
        own = None if self._config.profile else own_role(self._environ)
        if own is not None:
            raise self._nobody(
                f"This shell has the credentials of {own}, which credvend gave it, and they are not what you sign in "
                'with: eval "$(credvend unset)", or name a profile to sign with (CREDVEND_PROFILE).'
            )
        found = aws_credentials(self._config.profile, self._region(url)[0])
        if found is None:
            raise self._nobody(f"{_NOTHING}.")
        return found

    def _nobody(self, message: str) -> AuthenticationError:
        """There is nothing to sign with. Whoever has a provider to sign in to has only not done so."""
        could = self._config.auth == "auto" and self._config.issuer and self._config.client_id
        return SignInNeeded(message) if could else AuthenticationError(message)

    def explain(self, url: str, message: str) -> str:
        """As `Explaining`: which keys signed; or for which region, where it is said to be another."""
        if "valid region" not in message.lower():
            if self._signing is None:
                return ""
            key, found_in = self._signing.keys.access_key or "", self._signing.found_in
            return f"It was signed with the access key {key[:4]}...{key[-4:]}, of {found_in}."
        region, said_by = self._region(url)
        return f"The request was signed for the region {region}, which {said_by} says: set region, or CREDVEND_REGION."

    def region(self, url: str) -> str:
        """The region of the service: as configured, or as its host says, or as AWS's variables say.

        Raises:
            UsageError: nothing does.
        """
        found, _ = self._region(url)
        if found is None:
            raise UsageError("The service's region is not known: set region in the configuration, or CREDVEND_REGION.")
        return found

    def _region(self, url: str) -> tuple[str | None, str]:
        """The region, if it is known, and what says so."""
        matched = _HOST.fullmatch(urlsplit(url).hostname or "")
        variable = "the variable CREDVEND_REGION" if self._environ.get("CREDVEND_REGION") else "the configuration"
        for region, said_by in (
            (self._config.region, variable),
            (matched and matched["region"], "the service's host name"),
            (self._environ.get("AWS_REGION"), "the variable AWS_REGION"),
            (self._environ.get("AWS_DEFAULT_REGION"), "the variable AWS_DEFAULT_REGION"),
        ):
            if region:
                return region, said_by
        return None, "nothing"


METHOD = SigV4.method = Method(
    name="sigv4",
    summary="AWS credentials",
    missing="There are no AWS credentials to sign with: configure a profile, or set AWS_PROFILE.",
    authenticator=SigV4,
    questions=(Question("profile", "AWS profile to sign with (empty: as AWS SDKs find it)"),),
)
