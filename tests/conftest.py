"""What every suite needs: a region, which Lambda always sets; and the fixtures."""

import os

os.environ.setdefault("AWS_REGION", "ap-northeast-2")
os.environ.setdefault("AWS_DEFAULT_REGION", "ap-northeast-2")

pytest_plugins = ["tests.harness.app", "tests.harness.deployed"]
