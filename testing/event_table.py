"""The events that API Gateway sends, one of each kind, and what the service must do with each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from testing.events import (
    ACCOUNT,
    CUSTOM_DOMAIN,
    PRIVATE,
    SOURCE_IP,
    Json,
    cognito,
    console_test,
    federated_user,
    iam_user,
    identity_center_session,
    rest_event,
    role_session,
    root,
    unsigned,
)

# All that botocore knows; a test holds that there is none besides.
PARTITIONS: Final = (
    "aws",
    "aws-cn",
    "aws-eusc",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-us-gov",
)
OTHER_ACCOUNT: Final = "444455556666"
_BODY: Final = json.dumps({"role": "reader"})
_JSON: Final = {"Content-Type": "application/json"}
_ALICE: Final = f"arn:aws:iam::{ACCOUNT}:user/alice"
_WHOAMI: Final = "/v1/iam/whoami"
_VEND: Final = "/v1/iam/credentials"


@dataclass(frozen=True)
class Sample:
    """An event, and its answer from a service that lets alice, and nobody else, have the role `reader`.

    Attributes:
        code: of the error, or None.
        records: the names of the audit records that it leaves.
        caller: whom the records name, or None: nobody is known.
        source_ip: what they say of where it came from, or None: nothing.
    """

    name: str
    event: Json
    status: int = 200
    code: str | None = None
    records: tuple[str, ...] = ("caller.described",)
    caller: str | None = None
    source_ip: str | None = SOURCE_IP


def samples() -> Iterator[Sample]:
    """All of them."""
    yield from _served()
    yield from _refused()
    yield from _ways_in()
    yield from _bodies()
    yield from _console()


def _served() -> Iterator[Sample]:
    """Callers whom the service knows. Where a principal's ARN and ids come from stands with each in events.py."""
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role"
    people = {
        "IAM user": (iam_user(), _ALICE),
        "IAM user with a path": (iam_user(path="/team/blue/"), f"arn:aws:iam::{ACCOUNT}:user/team/blue/alice"),
        "role session": (role_session("Dev", "i-0123456789abcdef0"), f"{role}/Dev/i-0123456789abcdef0"),
        "Identity Center session": (
            identity_center_session("PowerUserAccess", "alice@example.com"),
            f"{role}/AWSReservedSSO_PowerUserAccess_0123456789abcdef/alice@example.com",
        ),
        "federated user": (federated_user("dave"), f"arn:aws:sts::{ACCOUNT}:federated-user/dave"),
        "IAM user of another account": (iam_user(account=OTHER_ACCOUNT), _ALICE.replace(ACCOUNT, OTHER_ACCOUNT)),
        "role session of another account": (
            role_session("Dev", "bob", OTHER_ACCOUNT),
            f"{role}/Dev/bob".replace(ACCOUNT, OTHER_ACCOUNT),
        ),
    }
    for partition in PARTITIONS:
        people[f"IAM user of {partition}"] = (
            iam_user(partition=partition),
            f"arn:{partition}:iam::{ACCOUNT}:user/alice",
        )
        people[f"role session of {partition}"] = (
            role_session("Dev", "bob", partition=partition),
            f"arn:{partition}:sts::{ACCOUNT}:assumed-role/Dev/bob",
        )
    for name, (identity, arn) in people.items():
        yield Sample(name, rest_event("GET", _WHOAMI, identity=identity), caller=arn)


def _refused() -> Iterator[Sample]:
    denied = ("read.denied",)
    for name, identity in {
        "root": root(),
        "root of aws-cn": root(partition="aws-cn"),
        "Cognito, authenticated": cognito(),
        "Cognito, unauthenticated": cognito(authenticated=False),
    }.items():
        yield Sample(name, rest_event("GET", _WHOAMI, identity=identity), 403, "CallerRefused", denied)
    failed = ("authentication.failed",)
    for path in (_WHOAMI, "/v1/whoami"):
        yield Sample(f"unsigned, {path}", rest_event("GET", path), 401, "Unauthenticated", failed)
    # On a route without an authorizer, API Gateway drops the header of a signature, and looks at nothing
    # (NOTES in events.py).
    yield Sample("signed, /v1/roles", rest_event("GET", "/v1/roles"), 401, "Unauthenticated", failed)


def _ways_in() -> Iterator[Sample]:
    vended = ("credentials.requested", "credentials.vended")
    for name, entrance in {"custom domain with a base path": CUSTOM_DOMAIN, "private endpoint": PRIVATE}.items():
        vend = rest_event("POST", _VEND, identity=iam_user(), headers=_JSON, body=_BODY, entrance=entrance)
        yield Sample(f"{name}, {_VEND}", vend, records=vended, caller=_ALICE)
        sdk = rest_event("GET", "/v1/credentials/{role}", path_parameters={"role": "reader"}, entrance=entrance)
        yield Sample(f"{name}, for SDKs", sdk, 401, "Unauthenticated", ("authentication.failed",))
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-ip-address-type.html
    dual_stack = iam_user() | {"sourceIp": "2001:db8::7"}
    yield Sample("IPv6", rest_event("GET", _WHOAMI, identity=dual_stack), caller=_ALICE, source_ip="2001:db8::7")
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mutual-tls.html (fields: FORMAT)
    certificate = {
        "clientCertPem": "-----BEGIN CERTIFICATE-----",
        "subjectDN": "CN=client.example.com",
        "issuerDN": "CN=ca.example.com",
        "serialNumber": "a1:a1:a1:a1",
        "validity": {"notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2031 GMT"},
    }
    mutual_tls = iam_user() | {"clientCert": certificate}
    yield Sample("mutual TLS", rest_event("GET", _WHOAMI, identity=mutual_tls, entrance=CUSTOM_DOMAIN), caller=_ALICE)
    nameless = rest_event("GET", _WHOAMI, identity=iam_user() | {"userAgent": None})
    yield Sample("client without a User-Agent", nameless, caller=_ALICE)
    yield Sample("health", rest_event("GET", "/v1/health"), records=())
    signed_health = rest_event("GET", "/v1/iam/health", identity=iam_user())
    yield Sample("health of who signs", signed_health, records=("health.reported",), caller=_ALICE)


def _bodies() -> Iterator[Sample]:
    """Base64 is what API Gateway makes of a body whose type is among the API's binary ones: Chalice names
    application/octet-stream, and an adopter may have named */*.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
    """
    vended = ("credentials.requested", "credentials.vended")
    denied = ("credentials.denied",)

    def posted(body: str | bytes | None, content_type: str = "application/json") -> Json:
        return rest_event("POST", _VEND, identity=iam_user(), headers={"Content-Type": content_type}, body=body)

    yield Sample("JSON in base64", posted(_BODY.encode()), records=vended, caller=_ALICE)
    octets = posted(_BODY.encode(), "application/octet-stream")
    yield Sample("a binary body", octets, 415, "UnsupportedMediaType", denied, _ALICE)
    yield Sample("binary that is no JSON", posted(b"\x00\xff\xfe"), 400, "InvalidRequest", denied, _ALICE)
    yield Sample("no body", posted(None), 400, "InvalidRequest", denied, _ALICE)
    broken = posted("=") | {"isBase64Encoded": True}
    yield Sample("what is not base64", broken, 400, "InvalidRequest", denied, _ALICE)
    untyped = rest_event("POST", _VEND, identity=iam_user(), body=_BODY)
    yield Sample("a body of no declared type", untyped, records=vended, caller=_ALICE)


def _console() -> Iterator[Sample]:
    """What did not come in through the API's URL: all but health is refused, and on record with whoever is known."""
    vend = rest_event("POST", _VEND, body=_BODY)
    refused = (403, "NotThroughApi")
    alice, session = iam_user(), identity_center_session("Admin", "alice@example.com")
    yield Sample("console's test", console_test(vend, alice), *refused, ("credentials.denied",), _ALICE, None)
    yield Sample(
        "console's test, signed in with Identity Center",
        console_test(rest_event("GET", _WHOAMI), session),
        *refused,
        ("read.denied",),
        str(session["userArn"]),
        None,
    )
    for path in ("/v1/iam/roles", "/v1/iam/health"):
        test = console_test(rest_event("GET", path), alice)
        yield Sample(f"console's test, {path}", test, *refused, ("read.denied",), _ALICE, None)
    by_root = console_test(vend, root())
    yield Sample("console's test, as root", by_root, 403, "CallerRefused", ("credentials.denied",), None, None)
    token = console_test(rest_event("GET", "/v1/whoami"), alice)
    failed = ("authentication.failed",)
    yield Sample("console's test, route for tokens", token, 401, "Unauthenticated", failed, None, None)
    yield Sample("console's test, health", console_test(rest_event("GET", "/v1/health"), alice), records=())
    # If AWS should ever tell the tester's own address.
    placed = _with_identity(console_test(vend, alice), {"sourceIp": SOURCE_IP})
    yield Sample("console's test, with an address", placed, *refused, ("credentials.denied",), _ALICE, None)
    for name, address in {
        "null": None,
        "empty": "",
        "a network": "198.51.100.0/24",
        "two": "192.0.2.1, 192.0.2.2",
    }.items():
        event = rest_event("POST", _VEND, identity=alice | {"sourceIp": address}, headers=_JSON, body=_BODY)
        yield Sample(f"source address: {name}", event, *refused, ("credentials.denied",), _ALICE, None)
    nobody = rest_event("GET", _WHOAMI, identity=unsigned(source_ip=None))
    yield Sample("nobody from nowhere", nobody, 401, "Unauthenticated", failed, None, None)


def _with_identity(event: Json, more: Mapping[str, object]) -> Json:
    context = event["requestContext"]
    assert isinstance(context, dict)
    return event | {"requestContext": context | {"identity": context["identity"] | more}}


SAMPLES: Final = {sample.name: sample for sample in samples()}
