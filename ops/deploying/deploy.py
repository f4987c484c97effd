"""Packages the service and deploys it with CloudFormation.

The same steps and the same template serve AWS and the local AWS. Nothing changes before it was shown and agreed to;
what was deployed is tested, and taken back if it does not pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.aws.account import Account, find_account
from ops.building.package import package
from ops.building.source_tree import SHIPPED_CONFIG
from ops.building.summary import summarize
from ops.cloudformation.change_set import discard, execute, plan_change
from ops.cloudformation.failures import StackFailed, TakenBack
from ops.cloudformation.stack import Stack, find_deployed
from ops.deployed.caller import SmokeFailed
from ops.deployed.deployment import Deployment, deployment_of
from ops.deployed.smoke_test import PATIENCE_SECONDS, smoke_test
from ops.deploying.artifacts_bucket import artifacts_bucket
from ops.deploying.kept_key import keep_kind_of_key
from ops.deploying.kept_summaries import find_summary, keep_summary
from ops.deploying.preview import Planned, preview
from ops.deploying.protection import protect
from ops.deploying.rollback import Former, remember, roll_back, said_of
from ops.deploying.upload import upload
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.processes.file_lock import file_lock
from ops.stages.names import DIGEST_OUTPUT
from ops.stages.stage import LOCAL_STAGE, Stage, read_stage
from ops.terminal.question import ask, check_can_ask
from ops.terminal.say import say


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A deployment that is ready to be made.

    Attributes:
        before: the stack as it is, or None if there is none.
        former: how to get back to it.
        bucket: where everything was uploaded to.
    """

    planned: Planned
    before: Stack | None
    former: Former | None
    bucket: str


class NotProtected(CommandFailed):
    """All is deployed and works, but is not protected against deletion.

    Attributes:
        deployment: what is deployed.
    """

    def __init__(self, message: str, deployment: Deployment) -> None:
        super().__init__(message)
        self.deployment = deployment


def deploy(
    stage: str,
    environment: Mapping[str, str],
    config: Path | None = None,
    yes: bool = False,
    patience: float = PATIENCE_SECONDS,
) -> Deployment:
    """Deploy a stage with the AWS credentials and region of `environment`.

    Args:
        config: a directory like `chalicelib/config`, whose files take the place of those in the checkout. Only the
            stage `local` does without.
        yes: do not ask. Nor is asked for the stage `local` on a local AWS: nobody depends on it.
        patience: seconds that each step of the test afterwards may fail for what has not arrived yet.

    Raises:
        ConfigError: the configuration is invalid; nothing was deployed.
        NotProtected: only the last step failed.
        CommandFailed: a step failed; says which, and what it said, and what is deployed now.
    """
    settings = read_stage(ROOT, stage, config)
    if config is None and stage != LOCAL_STAGE:
        raise CommandFailed(
            f"Name the configuration to deploy: make deploy STAGE={stage} CONFIG=DIRECTORY. The one in "
            f"{SHIPPED_CONFIG} is the walk-through's; stage {stage} would serve it instead of what is there."
        )
    if config is not None and not config.is_dir():
        raise CommandFailed(f"{config} is not a directory.")
    account = find_account(environment)
    asks = not yes and not (stage == LOCAL_STAGE and account.is_local)
    if asks:
        check_can_ask(
            "There is no terminal to ask on whether to deploy. Where nobody can be asked, in a pipeline, say so: "
            f"make deploy STAGE={stage} CONFIG=DIRECTORY YES=1"
        )
    build = ROOT / ".build" / stage
    with file_lock(build / "lock"):
        build.parent.chmod(0o700)  # the configuration is nobody else's business
        say(f"Packaging stage {stage} with the configuration in {config or SHIPPED_CONFIG} ...")
        template = package(settings, build, config, account.region)
        prepared = _prepare(account, settings, config or SHIPPED_CONFIG, template, build)
        _agree(account, prepared, asks)
        deployed = _make(account, prepared, patience)
        if stage != LOCAL_STAGE:
            _protect(account, deployed)
    return deployed


def _prepare(account: Account, stage: Stage, config: Path, template: Path, build: Path) -> _Prepared:
    """Upload all that is needed, there and back, and have CloudFormation work out what changes."""
    bucket = artifacts_bucket(account.aws, account.number, account.region)
    before = find_deployed(account.aws, stage.stack)
    former = None if before is None else remember(account, before, bucket, build)
    if former is not None:
        keep_kind_of_key(template, former.template)
    new = summarize(build / "source/chalicelib/config")
    old = None
    if before is not None:
        old = find_summary(account, bucket, stage.stack, before.outputs.get(DIGEST_OUTPUT))
    keep_summary(account, bucket, stage.stack, new, build)
    url = upload(account, stage.stack, template, bucket)
    changes = plan_change(account.aws, stage.stack, url, stage.settings.tags, is_first=before is None)
    return _Prepared(Planned(stage, config, new, old, before is None, changes), before, former, bucket)


def _agree(account: Account, prepared: _Prepared, asks: bool) -> None:
    """Show what changes, and ask. Whatever else than a yes ends it, the stack is as it was."""
    planned = prepared.planned
    say(preview(account, planned))
    if not asks or planned.changes is None:
        return
    try:
        ask("Deploy?", f"The stack was not changed; what was uploaded stays in {prepared.bucket}.")
    except BaseException:
        discard(account.aws, planned.changes)
        raise


def _make(account: Account, prepared: _Prepared, patience: float) -> Deployment:
    """Change the stack, and test what is there then.

    Raises:
        CommandFailed: it does not pass; says what is there now.
    """
    changes = prepared.planned.changes
    if changes is not None:
        say(f"Deploying stack {changes.stack} ...")
        try:
            stack = execute(account.aws, changes)
        except TakenBack as failure:
            raise StackFailed(f"{failure}\nWhat was deployed before is back.") from None
    elif prepared.before is not None:
        stack = prepared.before
    else:
        raise AssertionError("a first deployment that changes nothing")
    try:
        deployed = deployment_of(account, stack)
        smoke_test(account, deployed, patience)
    except Exception as error:  # whatever it was, that it works is not proved
        why = said_of(error)
        if changes is None:
            raise SmokeFailed(f"What is deployed does not pass its test, and was not changed.\n{why}") from None
        say(f"It does not pass:\n{why}\nRolling back ...")
        raise SmokeFailed(
            f"What was deployed did not pass its test.\n{why}\n{_roll_back(account, stack, prepared, patience)}"
        ) from None
    return deployed


def _roll_back(account: Account, failed: Stack, prepared: _Prepared, patience: float) -> str:
    """Take a deployment back, and say what is there now, whatever that is."""
    try:
        return roll_back(account, failed, prepared.former, patience)
    except TakenBack as error:
        return f"It could NOT be rolled back: CloudFormation has put back what does not pass.\n{error}"
    except Exception as error:
        return f"It could NOT be rolled back, and may still be there:\n{error}"


def _protect(account: Account, deployed: Deployment) -> None:
    try:
        protect(account.aws, deployed.stack)
    except CommandFailed as error:
        raise NotProtected(
            "The deployment is live, and passed its test, but is not protected against deletion: deploy again once "
            f"that is mended.\n{error}",
            deployed,
        ) from None
