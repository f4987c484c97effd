"""The command that makes target roles: `credvend-admin onboard`."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, cast

import click

from ops.aws.partition import partition_of
from ops.aws.reader import NotTold, Reader
from ops.aws.region import find_region
from ops.aws.stack_outputs import outputs_of
from ops.commands.options import config_option, json_option, stage_option
from ops.documents.json_object import Json, json_text
from ops.errors import CommandFailed, OperationFailed
from ops.onboarding.cloudformation import cloudformation_template, template_text
from ops.onboarding.iam_role import AccountRoles
from ops.onboarding.plan import Plan, plan_roles
from ops.onboarding.read import read_parts
from ops.onboarding.service import Service, deployed_service, service_to_be
from ops.onboarding.steps import (
    Step,
    Written,
    cloudformation_steps,
    doctor_step,
    elsewhere_steps,
    terraform_steps,
)
from ops.onboarding.terraform import terraform_module
from ops.onboarding.wanted import ManagedPolicy, Wanted, check_tags, managed_policy, policy_text
from ops.stages.names import ISSUER_OUTPUT
from ops.stages.stage_file import ISSUER
from ops.terminal.arguments import account, tag
from ops.terminal.commands import AwsCommand
from ops.terminal.say import escaped, say

Form = Literal["cloudformation", "terraform"]
_MAKERS: Final[dict[Form, Callable[[AccountRoles, Service], Json]]] = {
    "cloudformation": cloudformation_template,
    "terraform": terraform_module,
}
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+", re.ASCII)


def _managed(text: str) -> ManagedPolicy:
    try:
        return managed_policy(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _boundary(text: str) -> ManagedPolicy:
    try:
        return ManagedPolicy(policy_text(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _tags(_ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    tags = tuple(map(tag, given))
    try:
        check_tags(tags)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return tags


def _region(text: str) -> str:
    if _REGION.fullmatch(text) is None:
        raise click.BadParameter(f"{text!r} is no region: write it as AWS does, such as eu-west-1.")
    return text


def _issuer(text: str) -> str:
    if re.fullmatch(ISSUER, text) is None:
        raise click.BadParameter(f"{text!r} is no issuer: write its URL, without a port and a slash at the end.")
    return text


@click.command("onboard", cls=AwsCommand)
@click.argument("roles", nargs=-1, metavar="[ROLE]...")
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="ACCOUNT",
    help="Instead of ROLE: all roles of an account, by its number or its name; may be repeated.",
)
@click.option(
    "--account-group",
    "groups",
    multiple=True,
    metavar="GROUP",
    help="Instead of ROLE: all roles of the accounts of a group of accounts.yaml; may be repeated.",
)
@click.option("--all", "everything", is_flag=True, help="Instead of ROLE: all roles of all accounts.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["cloudformation", "terraform"]),
    default="cloudformation",
    show_default=True,
    help="A template, for stacks and stack sets, or a module in JSON syntax.",
)
@click.option("--output", type=Path, metavar="DIR", help="Write a file for each account below DIR.")
@click.option(
    "--managed-policy",
    "managed",
    type=_managed,
    multiple=True,
    metavar="[ROLE=]POLICY",
    help="Attach a managed policy, to all roles or to one: its ARN, or path and name of one that each "
    "account has; may be repeated.",
)
@click.option("--boundary", type=_boundary, metavar="POLICY", help="The roles' permissions boundary, in the same form.")
@click.option("--operator-boundary", type=_boundary, metavar="POLICY", help="That of the operator role.")
@click.option(
    "--operator-role/--no-operator-role",
    "operator",
    default=None,
    help="Make the role through which sessions are revoked there [default: for whole accounts].",
)
@click.option(
    "--provider/--no-provider",
    "provider",
    default=None,
    help="Make the OpenID Connect provider that roles of more than an hour trust [default: for whole accounts].",
)
@click.option(
    "--keep-assume-role",
    is_flag=True,
    help="Have roles of more than an hour let credvend's role in as well, while they move.",
)
@click.option(
    "--tag", "tags", multiple=True, callback=_tags, metavar="KEY=VALUE", help="A tag of all roles; may be repeated."
)
@click.option(
    "--credvend-account",
    type=account,
    metavar="ACCOUNT",
    help="Where credvend is, or will be [default: as its stack says, which asks AWS].",
)
@click.option(
    "--region", type=_region, metavar="REGION", help="Where credvend is, or will be [default: that of the environment]."
)
@click.option(
    "--issuer",
    type=_issuer,
    metavar="URL",
    help="Of credvend's tokens, for roles of more than an hour [default: that of stage.yaml, or as its stack says].",
)
@config_option
@stage_option
@json_option
def onboard(
    *,
    roles: tuple[str, ...],
    accounts: tuple[str, ...],
    groups: tuple[str, ...],
    everything: bool,
    form: str,
    output: Path | None,
    managed: tuple[ManagedPolicy, ...],
    boundary: ManagedPolicy | None,
    operator_boundary: ManagedPolicy | None,
    operator: bool | None,
    provider: bool | None,
    keep_assume_role: bool,
    tags: tuple[tuple[str, str], ...],
    credvend_account: str | None,
    region: str | None,
    issuer: str | None,
    config: Path,
    stage: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Write what makes target roles, for CloudFormation or Terraform: roles that trust credvend as roles.yaml says.

    Nothing is made, and AWS is asked for nothing but where credvend is; with --credvend-account and a region, for
    nothing at all, and credvend need not be deployed yet.
    """
    if [bool(roles), bool(accounts or groups), everything].count(True) != 1:
        raise click.UsageError("Say ROLE, --account, --account-group or --all.")
    parts = read_parts(config)
    if output is not None and output.resolve().is_relative_to(config.resolve()):
        raise OperationFailed(
            escaped(f"{output} is in {config}, and would be no part of a configuration: name a directory beside it.")
        )
    where = region or _found_region()
    service = _service(credvend_account, stage, where).issued_by(issuer or parts.issuer)
    wanted = Wanted(
        roles=tuple(dict.fromkeys(roles)),
        accounts=tuple(dict.fromkeys(accounts)),
        groups=tuple(dict.fromkeys(groups)),
        operator=operator,
        managed=managed,
        boundary=boundary,
        operator_boundary=operator_boundary,
        tags=tags,
        provider=provider,
        keep_assume_role=keep_assume_role,
    )
    plan = plan_roles(parts.catalog, parts.settings, service, wanted)
    if output is None and len(plan.accounts) > 1 and not as_json:
        there = ", ".join(one.account for one in plan.accounts[:3])
        raise click.UsageError(f"The roles are of {len(plan.accounts)} accounts ({there} ...): name --output DIR.")
    written = _write(plan, service, cast(Form, form), output)
    steps = [*_steps(plan, written, cast(Form, form), where, wanted, stage)]
    if as_json:
        print(json.dumps(_described(plan, service, written, output, steps), indent=2))
        return
    for one in written:
        print(one.file if output is not None else _text(cast(Form, form), one.document), end="\n" if output else "")
    if output is None:
        say(f"Save it as {written[0].file}, which the commands below name.")
    _tell(plan, steps)


def _found_region() -> str:
    try:
        return find_region(os.environ)
    except CommandFailed as error:
        raise OperationFailed(f"{error} Or name credvend's with --region.") from None


def _service(credvend_account: str | None, stage: str, region: str) -> Service:
    """The service that roles are to trust: as it will be, or as its stack says."""
    try:
        partition = partition_of(region)
    except CommandFailed as error:
        raise OperationFailed(str(error)) from None
    if credvend_account is not None:
        return service_to_be(partition, credvend_account, stage, region)
    otherwise = "Name the account that it is in, or will be, with --credvend-account."
    service_to_be(partition, "0" * 12, stage, region)  # is it a stage at all?
    try:
        answer = Reader(region).ask("cloudformation", "describe_stacks", StackName=f"credvend-{stage}")
    except NotTold as error:
        gone = f"There is no stack credvend-{stage} in {region}"
        what = gone if error.why == "gone" else f"Where credvend is could not be asked: {error}"
        raise OperationFailed(f"{what}. {otherwise}") from None
    except OperationFailed as error:
        said = str(error).removesuffix(".")
        raise OperationFailed(f"{said}. Or name the account that credvend is in with --credvend-account.") from None
    (stack,) = cast(list[Json], answer["Stacks"])
    told = outputs_of(stack)
    service = deployed_service(told.get("FunctionRoleArn", ""), told.get("RevokerRoleArn", ""))
    # Before it has a role of more than an hour, the stack names no issuer: it will be the API's own URL.
    return service.issued_by(told.get(ISSUER_OUTPUT) or told.get("EndpointURL", "").rstrip("/") or None)


def _write(plan: Plan, service: Service, form: Form, output: Path | None) -> list[Written]:
    """Make the documents, and write them where they are wanted in files."""
    made = [(one, _MAKERS[form](one, service)) for one in plan.accounts]
    texts = [_text(form, document) for _, document in made]
    directory = Path() if output is None else output
    files = [directory / _file(form, one.account) for one, _ in made]
    for file, text in zip(files if output is not None else [], texts, strict=False):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise OperationFailed(escaped(f"{file} cannot be written: {error.strerror}.")) from None
    return [
        Written(roles, document, str(file), len(text.encode()))
        for (roles, document), file, text in zip(made, files, texts, strict=True)
    ]


def _file(form: Form, account: str) -> Path:
    """Terraform reads all files of a directory."""
    if form == "terraform":
        return Path(f"credvend-roles-{account}", "credvend-roles.tf.json")
    return Path(f"credvend-roles-{account}.json")


def _text(form: Form, document: Json) -> str:
    return template_text(document) if form == "cloudformation" else json_text(document)


def _steps(
    plan: Plan, written: Sequence[Written], form: Form, region: str, wanted: Wanted, stage: str
) -> Iterator[Step]:
    yield from elsewhere_steps(plan.elsewhere)
    if form == "cloudformation":
        yield from cloudformation_steps(written, not wanted.roles, stage, region)
    else:
        yield from terraform_steps(written)
    yield doctor_step(wanted.roles, stage)


def _tell(plan: Plan, steps: Sequence[Step]) -> None:
    for note in plan.notes:
        say(note)
    for step in steps:
        say(step.what)
        for command in step.commands:
            say(f"  {command}")
    for arn, statements in plan.elsewhere.items():
        say(f"For the trust policy of {arn}:")
        say(json.dumps(list(statements), indent=2))


def _described(
    plan: Plan, service: Service, written: Sequence[Written], output: Path | None, steps: Sequence[Step]
) -> dict[str, object]:
    return {
        "FunctionRoleArn": service.function_role_arn,
        "RevokerRoleArn": service.revoker_role_arn,
        "Issuer": service.issuer,
        "Accounts": [
            {
                "Account": one.roles.account,
                "Roles": [role.arn for role in one.roles.roles],
                "OperatorRole": None if one.roles.operator is None else one.roles.operator.arn,
                "Provider": one.roles.makes_provider,
                "File": None if output is None else one.file,
                "Document": one.document,
            }
            for one in written
        ],
        "TrustElsewhere": [
            {"Role": arn, "TrustStatements": list(statements)} for arn, statements in plan.elsewhere.items()
        ],
        "Notes": list(plan.notes),
        "NextSteps": [{"What": step.what, "Commands": list(step.commands)} for step in steps],
    }
