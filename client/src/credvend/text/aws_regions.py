"""Regions of AWS: what one looks like, and which partition it is in."""

from __future__ import annotations

import re

from credvend.errors import UsageError

# botocore's endpoint data (partitions.json), by how the names of the regions begin.
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
)
_REGION = re.compile(r"[a-z]{2,5}(-[a-z0-9]+)+-[0-9]+")


def partition_of(region: str) -> str:
    """The partition that a region is in; `aws` for those of which no more is known."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def check_region(region: str, role_arn: str | None = None) -> None:
    """Refuse what is no region, and one where a role's credentials are worth nothing: those end at their partition.

    Args:
        role_arn: of the role whose credentials are used there, if it is known.

    Raises:
        UsageError: it will not do.
    """
    if not _REGION.fullmatch(region):
        raise UsageError(f"There is no region {region}: one is written as eu-west-1 is.")
    if role_arn is None:
        return
    of_role, of_region = role_arn.split(":")[1:2], partition_of(region)
    if of_role != [of_region]:
        raise UsageError(
            f"{region} is in the partition {of_region}, where credentials for {role_arn} are worth nothing: name a "
            f"region of {''.join(of_role) or 'its partition'}, or a role of {of_region}."
        )
