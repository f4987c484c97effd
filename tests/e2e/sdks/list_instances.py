"""A program that knows nothing of credvend: it prints the ids of its EC2 instances."""

import boto3

for page in boto3.client("ec2").get_paginator("describe_instances").paginate():
    for reservation in page["Reservations"]:
        for instance in reservation["Instances"]:
            print(instance["InstanceId"])
