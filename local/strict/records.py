"""Roles and users as ministack keeps them."""

from typing import cast

from ministack.services import iam

Record = dict[str, object]


def role_of(arn: str) -> Record | None:
    """The record of the role with this ARN, wherever its path leads, or None."""
    parts = arn.split(":")
    if len(parts) < 6:
        return None
    return cast(Record | None, iam._roles.get_scoped(parts[4], None, arn.rpartition("/")[2]))


def arn_of_role(arn: str) -> str:
    """The ARN, path included, of the role that a session's ARN is of; other ARNs as they are."""
    if ":assumed-role/" not in arn:
        return arn
    role = role_of(f"arn:aws:iam::{arn.split(':')[4]}:role/{arn.split('/')[1]}")
    return arn if role is None else str(role["Arn"])


def unique_id(arn: str) -> str | None:
    """The unique id of a user or role that is there with this very ARN, or None."""
    parts = arn.split(":", 5)
    records, key = (iam._roles, "RoleId") if parts[5].startswith("role/") else (iam._users, "UserId")
    record = records.get_scoped(parts[4], None, arn.rpartition("/")[2])
    return str(record[key]) if record is not None and record["Arn"] == arn else None
