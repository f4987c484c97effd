"""What tests of the strict local AWS ask it with: policies by size, code, settings and clients."""

import io
import json
import zipfile
from typing import Any

import boto3

from local.aws import ACCOUNT, REGION
from ops.stages.runtimes import OWN_RUNTIME
from testing.deployed import Json, Stack, allow


def trust(*actions: str, principal: str = f"arn:aws:iam::{ACCOUNT}:role/strict-caller", **condition: Json) -> str:
    statement: Json = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(actions)}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy_of(characters: int) -> str:
    """A policy document of so many characters."""
    empty = allow("").replace(" ", "")
    return allow("s3:" + "x" * (characters - len(empty) - 3)).replace(" ", "")


LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def client(stack: Stack, service: str) -> Any:
    """A client of the root's."""
    root = stack.root
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=stack.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
    )


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


FULL = {"Variables": {"NAME": "x" * 4_096}}
OTHER_RUNTIME = "python3.12" if OWN_RUNTIME != "python3.12" else "python3.13"
