"""A program that lists instances until that fails, or until it has seen several keys.

It prints the access key of each of its requests once, and whether its credentials ended. It knows nothing of credvend.
"""

import re
import time

import boto3
from botocore.awsrequest import AWSPreparedRequest

ENOUGH = 3
PATIENCE_SECONDS = 60.0
seen: list[str] = []


def note_access_key(request: AWSPreparedRequest, **_: object) -> None:
    header = request.headers["Authorization"]
    (key,) = re.findall("Credential=([A-Z0-9]+)/", header.decode() if isinstance(header, bytes) else header)
    if key not in seen:
        seen.append(key)
        print(key, flush=True)


client = boto3.client("ec2")
client.meta.events.register("before-send.ec2", note_access_key)
ends = time.monotonic() + PATIENCE_SECONDS
try:
    while len(seen) < ENOUGH and time.monotonic() < ends:
        client.describe_instances()
        time.sleep(0.1)
except RuntimeError:  # of botocore, which sees for itself that they have ended
    print("ended")
