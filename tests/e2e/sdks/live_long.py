"""A program that runs for long: with one client it lists instances twice, and again when its credentials run out.

It prints the access key of each request, and knows nothing of credvend. The time passes for botocore alone.
"""

import re
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest


def print_access_key(request: AWSPreparedRequest, **_: object) -> None:
    header = request.headers["Authorization"]
    print(re.findall("Credential=([A-Z0-9]+)/", header.decode() if isinstance(header, bytes) else header)[0])


session = boto3.Session()
credentials: Any = session.get_credentials()
client = session.client("ec2")
client.meta.events.register("before-send.ec2", print_access_key)
client.describe_instances()
client.describe_instances()
credentials._time_fetcher = lambda: datetime.now().astimezone() + timedelta(minutes=21)
client.describe_instances()
