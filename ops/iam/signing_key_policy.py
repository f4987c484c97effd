"""The policy of a key that signs credvend's tokens: the function alone signs, whatever IAM policies say."""

from ops.documents.json_object import Json


def signing_key_policy(account_root: object, function_role_arn: object) -> Json:
    """The key's policy.

    As ever, the account's IAM policies say who may manage the key. A signature is as good as a session of every role of
    more than an hour, so that nobody but the function gets one: a denial is above whatever allows, grants included.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html

    Args:
        account_root, function_role_arn: ARNs, or what CloudFormation makes them of.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "IamPoliciesOfTheAccount",
                "Effect": "Allow",
                "Principal": {"AWS": account_root},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "OnlyTheFunctionSigns",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "kms:Sign",
                "Resource": "*",
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": function_role_arn}},
            },
        ],
    }
