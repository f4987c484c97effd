"""What a stranger can make the service keep: `python -m testing.stranger REQUESTS POLICIES`, a process of its own.

The stranger signs, as anybody in AWS can, brings tokens of a trusted issuer, and makes some up; they ask for each role
and for roles that are not there. Nothing of it is allowed. How much memory that took is printed as JSON.
"""

import json
import os
import resource
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = "ap-northeast-2"

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from testing.app import Invocation, write_config
from testing.events import ACCOUNT, Json, iam_user, rest_event, role_session, unsigned
from testing.tokens import AUDIENCE, ISSUER, ec_key, honest_claims, honest_header, key_set, sign

KEY: Final = ec_key("known")
# So many before the first look: what each kind of request needs once is there by then.
WARM: Final = 64
ARN: Final = f"arn:aws:iam::{ACCOUNT}"


def configure(directory: Path, policies: int) -> Path:
    """As many policies about anybody as about a role, some of which look at other roles; and as many roles."""
    roles = "role_path: /deep/\nroles:\n" + "".join(
        f'  - {{name: r{n}, arn: "{ARN}:role/deep/r{n}", groups: [g{n % 10}]}}\n' for n in range(policies)
    )
    text = "\n".join(
        f'@id("any-{n}") forbid (principal, action, resource)'
        f' when {{ principal in Account::"{n:012}" && Role::"r{n}" in RoleGroup::"g0" }};\n'
        f'@id("role-{n}") permit (principal in Account::"{ACCOUNT}", action, resource == Role::"r{n}")'
        f' when {{ context.has_reason && Role::"r{(n + 1) % policies}" in RoleGroup::"g{n % 10}" }};'
        for n in range(policies)
    )
    write_config(directory, roles, text)
    (directory / "keys").mkdir()
    (directory / "keys/known.json").write_text(json.dumps(key_set(KEY)))
    (directory / "issuers.yaml").write_text(
        f"issuers: [{{name: idp, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/known.json}}]\n"
    )
    return directory


def event(number: int, policies: int) -> Json:
    """A request of the stranger's; kinds take turns, and no two are the same."""
    name = f"r{number % policies}" if number % 2 else f"nobody-{number}"
    body = json.dumps({"role": name, "reason": f"number {number}", "params": {f"p{number}": "x"}})
    kind = number // 2 % 8
    headers = {"Content-Type": "application/json"}
    if kind in (5, 6):
        header = honest_header(KEY, kid=KEY.kid if kind == 5 else f"k{number}")
        token = sign(honest_claims(sub=f"s{number}"), KEY, header)
        headers |= {"Authorization": f"Bearer {token}"}
        return rest_event("POST", "/v1/credentials", identity=unsigned(), headers=headers, body=body)
    who = iam_user(f"u{number}", account=ACCOUNT if kind else f"{number:012}")
    if kind == 7:
        who = role_session(f"Role{number}", f"s-{number}")
    return rest_event("POST", "/v1/iam/credentials", identity=who, headers=headers, body=body)


def kilobytes() -> int:
    """The most that was in use so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def main(requests: int, policies: int) -> None:
    """Make so many requests, and print kilobytes at the peak (`before`, `after`), seconds and statuses."""
    with tempfile.TemporaryDirectory() as directory:
        app_module.service = load_service(configure(Path(directory), policies), Settings("ap-northeast-2"))
    statuses: dict[int, int] = {}
    started = time.monotonic()
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        for number in range(requests):
            if number == WARM:
                before = kilobytes()
            status = app_module.app(event(number, policies), Invocation())["statusCode"]
            statuses[status] = statuses.get(status, 0) + 1
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps({"before": before, "after": kilobytes(), "seconds": seconds, "statuses": statuses}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
