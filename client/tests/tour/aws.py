"""The programs `aws` and `terraform` of the tour, which get their credentials as AWS's own do: from botocore.

`aws sts get-caller-identity --query Arn --output text` and `aws configure get region` are all of the first;
`terraform apply` is all of the second, and changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import botocore.session


def main(program: str, words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--profile")
    parser.add_argument("--query", choices=["Arn"])
    parser.add_argument("--output", choices=["text"])
    parser.add_argument("words", nargs="+")
    given = parser.parse_args(words)
    session = botocore.session.Session(profile=given.profile)
    asked = " ".join(given.words)
    if (program, asked) == ("aws", "configure get region"):
        # As the AWS CLI, which looks into the profile alone, and not at AWS_REGION.
        region = session.get_scoped_config().get("region")
        if not region:
            return 1
        print(region)
        return 0
    print_arn = (program, asked) == ("aws", "sts get-caller-identity")
    if not print_arn and (program, asked) != ("terraform", "apply"):
        return 252  # as the AWS CLI, which does not know the command
    if session.get_credentials() is None:
        print(
            '\nUnable to locate credentials. You can configure credentials by running "aws configure".', file=sys.stderr
        )
        return 253
    sts: Any = session.create_client("sts", region_name="eu-west-1")
    arn = sts.get_caller_identity()["Arn"]
    if print_arn:
        print(arn)
    elif type(session.get_credentials()).__name__ == "RefreshableCredentials":
        print("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).name, sys.argv[2:]))
