"""Roles of many accounts in an IAM policy: by their name in every account, and the accounts in a condition.

`readonly` of 40 accounts is then one resource, `arn:aws:iam::*:role/readonly`, and not 40. Of AssumeRole, the key
`aws:ResourceAccount` is the account of the role that is asked for:
https://aws.amazon.com/about-aws/whats-new/2022/04/iam-access-resource-organization/
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.roles.role import account_of
from ops.documents.json_object import Json
from ops.iam.function_policy import granted

_ANY_ACCOUNT: Final = ":iam::*:role/"


def names_in_accounts(catalog: WrittenCatalog) -> Mapping[str, str]:
    """What may stand for a role, by its ARN: its name in any account, if it is of an entry of many; or its path."""
    found: dict[str, str] = {}
    for entry in catalog.entries:
        for place in entry.places:
            role = catalog.roles[place]
            path = granted(role.arn, catalog.role_path)
            if path != role.arn:
                found[role.arn] = path
            elif entry.accounts:
                found[role.arn] = f"arn:{role.partition}{_ANY_ACCOUNT}{entry.entry.role}"
    return found


def are_by_name(statements: Iterable[Json]) -> bool:
    """Whether statements name roles of the catalog in any account."""
    resources = [one.get("Resource") for one in statements]
    named = [role for some in resources if isinstance(some, list) for role in some if isinstance(role, str)]
    return any(_ANY_ACCOUNT in role for role in named)


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
