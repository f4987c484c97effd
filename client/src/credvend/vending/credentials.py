"""Vended credentials, as a plain object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from credvend.errors import ServiceError
from credvend.text.moments import parse_moment

_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>[0-9]{12}):assumed-role/(?P<role>[^/]+)/.+")
# Nothing else comes from AWS; and nothing else can be put into every format without a thought about quoting.
_SECRET = re.compile(r"[A-Za-z0-9+/=_.:%-]+")


@dataclass(frozen=True)
class Credentials:
    """Credentials of a role session. The two secrets are not in its `repr`.

    Attributes:
        role: the catalog's name of the role.
        role_arn: its ARN, as far as the session tells: AWS leaves a role's path out of it.
        expiration: aware; by the service's clock.
        account_id: the account of the role.
        assumed_role_arn: the session's ARN.
        answer: the service's answer, secrets included.
    """

    role: str
    role_arn: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expiration: datetime
    account_id: str
    assumed_role_arn: str
    answer: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @property
    def session_id(self) -> str | None:
        """By which `credvend.revoke` ends it; None if the service did not tell."""
        told = self.answer.get("RequestId")
        return None if told is None else str(told)


def parse_credentials(answer: Mapping[str, Any], role: str | None = None) -> Credentials:
    """The credentials of an answer in the shape of `aws sts assume-role`.

    Args:
        role: what the role is called where the answer does not say.

    Raises:
        ServiceError: something is missing or not what it should be.
    """
    try:
        given = answer["Credentials"]
        arn = str(answer["AssumedRoleUser"]["Arn"])
        matched = _ARN.fullmatch(arn)
        if matched is None:
            raise ValueError
        key_id, secret, token = (given[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        if not all(_SECRET.fullmatch(value) for value in (key_id, secret, token)):
            raise ValueError
        named = str(answer.get("Role") or role or matched["role"])
        if not named.isprintable():  # it goes into the environment, too
            raise ValueError
        return Credentials(
            role=named,
            role_arn=str(
                answer.get("RoleArn") or f"arn:{matched['partition']}:iam::{matched['account']}:role/{matched['role']}"
            ),
            access_key_id=key_id,
            secret_access_key=secret,
            session_token=token,
            expiration=parse_moment(str(given["Expiration"])),
            account_id=matched["account"],
            assumed_role_arn=arn,
            answer=answer,
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        # The answer holds secrets: nothing of it may get into the message, or into a traceback's context.
        raise ServiceError(
            "The service's answer holds no credentials that credvend understands; is url right?"
        ) from None
