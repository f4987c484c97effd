"""`process`: what the AWS CLI and SDKs read from a `credential_process`."""

import json
from typing import Final

from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Credentials
from chalicelib.text.timestamps import rfc3339
from chalicelib.wire.formats.format import JSON, Format


def process_output(plan: SessionPlan, given: Credentials) -> str:
    """https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html"""
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": given.access_key_id,
            "SecretAccessKey": given.secret_access_key,
            "SessionToken": given.session_token,
            "Expiration": rfc3339(given.expiration),
            "AccountId": plan.role.account,
        }
    )


PROCESS: Final = Format(
    "process", JSON, ("application/vnd.credvend.process+json",), evaluated=False, write=process_output
)
