"""Revocations, and the sessions that they may or may not be about."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.revocation.revocation import Form, Revocation
from testing.iam_policy import Json, Request, grants

ROLE = "arn:aws:iam::111122223333:role/reader"
# Seconds since 1970.
NOW = 1_800_000_000
HOUR = 3600


def revocation(number: int = 1, form: Form = "session", **more: object) -> Revocation:
    """One that was asked for `NOW`, about a session or caller of that number."""
    ids = {"session": f"session#{request_id(number)}", "caller": f"caller#{number:032x}", "issued_before": "role"}
    values: dict[str, object] = {
        "role_arn": ROLE,
        "id": ids[form],
        "form": form,
        "requested": NOW * 1000,
        "until": NOW + HOUR,
    }
    if form == "session":
        values["request_id"] = request_id(number)
    else:
        values["issued_before"] = NOW
    if form == "caller":
        values |= {"caller_tag": f"caller {number}", "source_identity": f"identity-{number}"}
    if more.get("chained"):
        values["id"] = f"{values['id']}#chained"
    return Revocation(**(values | more))  # type: ignore[arg-type]


def request_id(number: int) -> str:
    """As Lambda names its invocations."""
    return f"00000000-0000-4000-8000-{number:012x}"


@dataclass(frozen=True)
class Session:
    """What of a session an IAM policy sees.

    Attributes:
        issued: seconds since 1970.
    """

    request: str | None = None
    caller: str | None = None
    source_identity: str | None = None
    issued: int = NOW - 60

    def is_denied(self, document: Json) -> bool:
        """Whether a policy, beside one that allows everything, denies it something."""
        allow: Json = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        statements = [allow, *document["Statement"]]  # type: ignore[misc]
        context = {
            "aws:principaltag/credvend:request": self.request,
            "aws:principaltag/credvend:caller": self.caller,
            "aws:sourceidentity": self.source_identity,
            "aws:tokenissuetime": datetime.fromtimestamp(self.issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        asked = Request("ec2:DescribeInstances", "*", {key: value for key, value in context.items() if value})
        return not grants({"Statement": statements}, asked)


def session_of(one: Revocation, issued: int | None = None) -> Session:
    """A session that a revocation is about, as late as it can have been issued."""
    latest = one.issued_until - 1 if one.form != "session" else one.requested // 1000
    return Session(one.request_id, one.caller_tag, one.source_identity, latest if issued is None else issued)
