"""What the caller gets to see, as JSON objects in the spelling of the AWS CLI."""

import json
from collections.abc import Sequence

from chalicelib.callers.caller import Caller
from chalicelib.decisions.decision import Decision, Permitted
from chalicelib.roles.role import Role
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Session
from chalicelib.text.timestamps import rfc3339

Json = dict[str, object]


def render_session(plan: SessionPlan, session: Session, request_id: str) -> Json:
    """The shape that `aws sts assume-role` prints, plus `Role`, `RoleArn` and `RequestId`."""
    answer: Json = {
        "Credentials": {
            "AccessKeyId": session.credentials.access_key_id,
            "SecretAccessKey": session.credentials.secret_access_key,
            "SessionToken": session.credentials.session_token,
            "Expiration": rfc3339(session.credentials.expiration),
        },
        "AssumedRoleUser": {"AssumedRoleId": session.assumed_role_id, "Arn": session.arn},
        "PackedPolicySize": session.packed_policy_size,
        "SourceIdentity": session.source_identity,
        "Role": plan.role.name,
        "RoleArn": plan.role.arn,
        "RequestId": request_id,
    }
    return {key: value for key, value in answer.items() if value is not None}


def render_container_credentials(plan: SessionPlan, session: Session, request_id: str) -> Json:
    """The shape that AWS's SDKs read: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html"""
    return {
        "AccessKeyId": session.credentials.access_key_id,
        "SecretAccessKey": session.credentials.secret_access_key,
        "Token": session.credentials.session_token,
        "Expiration": rfc3339(session.credentials.expiration),
        "RoleArn": plan.role.arn,
        "AccountId": plan.role.account,
    }


def plan_json(plan: SessionPlan) -> Json:
    """The session that is asked for, each field by the name that answers have for it."""
    return {
        "Role": plan.role.name,
        "RoleArn": plan.role.arn,
        "DurationSeconds": plan.duration,
        "RoleSessionName": plan.session_name,
        "SourceIdentity": plan.source_identity,
        "Tags": dict(plan.tags),
        "TransitiveTagKeys": list(plan.transitive_tags),
        "Policy": None if plan.policy is None else json.loads(plan.policy),
        "PolicyArns": list(plan.policy_arns),
    }


def render_explanation(plan: SessionPlan, decision: Decision, request_id: str) -> Json:
    """The answer to a dry run: what would be vended, and which policies allow it."""
    return {
        "DryRun": True,
        "Decision": "Allow",
        "Policies": list(decision.policies),
        **{key: value for key, value in plan_json(plan).items() if value not in (None, [])},
        "RequestId": request_id,
    }


def render_roles(permitted: Sequence[Permitted], request_id: str) -> Json:
    """The roles that the caller may assume now. Durations are seconds."""
    return {
        "Roles": [
            {
                "Role": found.role.name,
                "RoleArn": found.role.arn,
                "Description": found.role.description,
                "Groups": list(found.role.groups),
                "DefaultDurationSeconds": min(found.role.default_duration, found.longest_duration),
                "MaxDurationSeconds": found.longest_duration,
                "ReasonRequired": found.reason_required,
                "Params": _params(found.role),
                "CallerTags": list(found.role.session_rules.caller_tags),
            }
            | ({"AccountName": found.role.account_name} if found.role.account_name else {})
            for found in permitted
        ],
        "RequestId": request_id,
    }


def _params(role: Role) -> list[Json]:
    """What the caller may or must choose, by name."""
    return [
        {"Name": name, "Pattern": param.bounds.pattern.pattern, "Description": param.description}
        | ({"Required": True} if param.default is None else {"Required": False, "Default": param.default})
        for name, param in role.session_rules.params.items()
    ]


def render_caller(caller: Caller, session_name: str, request_id: str) -> Json:
    """The caller as the service sees it, and the session name that CloudTrail will show."""
    return dict(caller.description) | {"RoleSessionName": session_name, "RequestId": request_id}


def render_error(code: str, message: str, request_id: str) -> Json:
    """Every refusal and failure."""
    return {"Code": code, "Message": message, "RequestId": request_id}
