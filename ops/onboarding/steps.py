"""What is to be done with the files that were written: commands to type, in order."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from ops.documents.json_object import Json
from ops.onboarding.cloudformation import BODY_BYTES, ISSUER_PARAMETER
from ops.onboarding.iam_role import AccountRoles
from ops.onboarding.terraform import ISSUER_VARIABLE

_CAPABILITY: Final = "CAPABILITY_NAMED_IAM"
_UNIT: Final = "ou-EXAMPLE"
_BUCKET: Final = "BUCKET"
_UNKNOWN_ISSUER: Final = "ISSUER"


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do.

    Attributes:
        what: in words; with whose credentials.
        commands: lines for a shell, if there are any.
    """

    what: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A document and its file.

    Attributes:
        file: its path; for Terraform, in a directory of its own.
        size: bytes.
    """

    roles: AccountRoles
    document: Json
    file: str
    size: int


def stack_name(stage: str, roles: AccountRoles, whole: bool) -> str:
    """What the stack is to be called. A stack holds what its template says and nothing else: under the name of another
    one, it would take that one's roles away. So each stage has its own, and so have some roles of an account.

    Args:
        whole: they are all of the account.
    """
    name = f"credvend-roles-{re.sub('[^A-Za-z0-9]', '-', stage)}"
    if whole:
        return name
    names = "\n".join(sorted(one.name for one in roles.every))
    return f"{name}-{hashlib.sha256(names.encode()).hexdigest()[:8]}"


def cloudformation_steps(written: Sequence[Written], whole: bool, stage: str, region: str) -> Iterator[Step]:
    """How templates are deployed: alone, or by a stack set to all accounts that have the same one.

    Args:
        region: of the stacks. Roles are in all regions; a second stack of them would be refused.
    """
    groups = _alike(written)
    for same in groups:
        yield _stack(same, stack_name(stage, same[0].roles, whole), region)
        name = stack_name(stage, same[0].roles, whole)
        # A stack set is one for all accounts that it goes to.
        yield _stack_set(same, name if len(groups) == 1 else f"{name}-{same[0].roles.account}", region)


def _stack(same: Sequence[Written], name: str, region: str) -> Step:
    first, others = same[0], len(same) - 1
    command = [
        *("aws", "cloudformation", "deploy", "--region", region),
        *("--stack-name", name, "--template-file", first.file, "--capabilities", _CAPABILITY),
        *(("--s3-bucket", _BUCKET) if first.size > BODY_BYTES else ()),
        *(("--parameter-overrides", f"{ISSUER_PARAMETER}={_UNKNOWN_ISSUER}") if _lacks_issuer(first) else ()),
    ]
    more = f" (and so on, for {others} more with the same template)" if others else ""
    return Step(f"With credentials of account {first.roles.account}{more}:", (shlex.join(command),))


def _stack_set(same: Sequence[Written], name: str, region: str) -> Step:
    first, accounts = same[0], [one.roles.account for one in same]
    template = ("--template-body", f"file://{first.file}")
    if first.size > BODY_BYTES:
        template = ("--template-url", f"https://{_BUCKET}.s3.amazonaws.com/{first.file.rpartition('/')[2]}")
    create = [
        *("aws", "cloudformation", "create-stack-set", "--region", region, "--stack-set-name", name, *template),
        *("--capabilities", _CAPABILITY, "--permission-model", "SERVICE_MANAGED"),
        *("--auto-deployment", "Enabled=false"),
    ]
    if _lacks_issuer(first):
        create += ["--parameters", f"ParameterKey={ISSUER_PARAMETER},ParameterValue={_UNKNOWN_ISSUER}"]
    targets = {"OrganizationalUnitIds": [_UNIT], "Accounts": accounts, "AccountFilterType": "INTERSECTION"}
    fill = [
        *("aws", "cloudformation", "create-stack-instances", "--region", region, "--stack-set-name", name),
        *("--regions", region, "--deployment-targets", json.dumps(targets)),
    ]
    what = f"account {accounts[0]}" if len(accounts) == 1 else f"{len(accounts)} accounts"
    return Step(
        f"Or by a stack set of the organization, to {what} in one region alone ({_UNIT}: an OU or root above):",
        (shlex.join(create), shlex.join(fill)),
    )


def terraform_steps(written: Sequence[Written]) -> Iterator[Step]:
    """How modules are applied."""
    for one in written:
        directory = shlex.quote(one.file.rpartition("/")[0] or ".")
        given = f" -var {ISSUER_VARIABLE}={_UNKNOWN_ISSUER}" if _lacks_issuer(one) else ""
        yield Step(
            f"With credentials of account {one.roles.account} (or as a module of yours, with that account's provider):",
            (f"terraform -chdir={directory} init", f"terraform -chdir={directory} apply{given}"),
        )


def elsewhere_steps(elsewhere: Mapping[str, Sequence[Json]]) -> Iterator[Step]:
    """Which trust policies need more, of roles that are not made here."""
    for arn in elsewhere:
        yield Step(f"Sessions go on to {arn}: add the statements below to its trust policy.")


def doctor_step(roles: Sequence[str], stage: str) -> Step:
    """What tells, once credvend is deployed, whether all is in order.

    Args:
        roles: names of the catalog; empty: all.
    """
    named = [word for role in roles for word in ("--role", role)] or ["--only", "roles"]
    return Step(
        "Once credvend is deployed, see that the roles let it in:",
        (shlex.join(["credvend-admin", "doctor", "--stage", stage, *named]),),
    )


def _lacks_issuer(one: Written) -> bool:
    """Whether the file has a parameter that nobody knows the value of yet."""
    parameters = cast(Json, one.document.get("Parameters") or one.document.get("variable") or {})
    issuer = cast(Json | None, parameters.get(ISSUER_PARAMETER) or parameters.get(ISSUER_VARIABLE))
    return issuer is not None and not {"Default", "default"} & issuer.keys()


def _alike(written: Sequence[Written]) -> list[list[Written]]:
    """Those whose templates are the same, whatever the account."""
    groups: list[list[Written]] = []
    for one in written:
        same = next((group for group in groups if group[0].document == one.document), None)
        if same is None:
            groups.append([one])
        else:
            same.append(one)
    return groups
