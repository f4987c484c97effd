"""What stands in IAM policies of others, so that credvend may do its work and callers may call it."""


def trust_statement(principal: str) -> dict[str, object]:
    """What stands in the trust policy of a role that lets credvend in.

    Args:
        principal: ARN of the function's role.
    """
    return {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
    }


def invoke_statement(api_arn: str) -> dict[str, object]:
    """What stands in the IAM policy of a caller of the same account."""
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api_arn}/*/*/v1/iam/*"}
