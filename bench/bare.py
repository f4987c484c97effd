"""The naive Lambda that everything is measured against: AssumeRole through boto3, and nothing else."""

import json

import boto3

sts = boto3.client("sts")


def handler(event: dict[str, str], context: object) -> dict[str, object]:
    asked = json.loads(event["body"])
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::111122223333:role/{asked['role']}", RoleSessionName="bench", DurationSeconds=900
    )
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(answer["Credentials"], default=str),
    }
