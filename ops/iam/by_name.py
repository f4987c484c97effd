"""Roles of many accounts in an IAM policy: by their name in every account, and the accounts in a condition.

`readonly` of 40 accounts is then one resource, `arn:aws:iam::*:role/readonly`, and not 40. Of AssumeRole, the key
`aws:ResourceAccount` is the account of the role that is asked for:
https://aws.amazon.com/about-aws/whats-new/2022/04/iam-access-resource-organization/
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount
"""

from collections.abc import Mapping
from typing import cast

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.roles.role import account_of
from ops.documents.json_object import Json


def names_in_accounts(catalog: WrittenCatalog) -> Mapping[str, str]:
    """For the ARN of each role that is of an entry of many accounts, what stands for the role in any account."""
    found: dict[str, str] = {}
    for entry in catalog.entries:
        for place in entry.places if entry.accounts else ():
            role = catalog.roles[place]
            found[role.arn] = f"arn:{role.partition}:iam::*:role/{entry.entry.role}"
    return found


def by_name(statement: Json, names: Mapping[str, str]) -> Json:
    """A statement that names such roles once, whatever their number of accounts.

    It is wider than the roles that it named: of each of these names, it holds the role in every account of any of them.
    """
    resources = statement.get("Resource")
    if not isinstance(resources, list):
        return statement
    roles = [one for one in resources if isinstance(one, str)]
    if not any(role in names for role in roles):
        return statement
    condition = cast(Json, statement.get("Condition", {}))
    accounts = {"StringEquals": {"aws:ResourceAccount": sorted(set(map(account_of, roles)))}}
    assert "StringEquals" not in condition  # noqa: S101 no statement about roles has one
    return statement | {
        "Resource": sorted({names.get(role, role) for role in roles}),
        "Condition": {**condition, **accounts},
    }
