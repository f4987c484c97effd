"""For all tests: a region, which Lambda always sets; signals, the order, and the fixtures."""

import os

os.environ.setdefault("AWS_REGION", "ap-northeast-2")
os.environ.setdefault("AWS_DEFAULT_REGION", "ap-northeast-2")

pytest_plugins = [
    "testing.signals",
    "testing.order",
    "testing.lanes",
    "testing.boto3_session",
    "testing.counted",
    "testing.cedar",
    "testing.app",
    "testing.ledger_app",
    "testing.deployed",
    "testing.client",
]
