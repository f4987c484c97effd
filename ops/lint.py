"""Lints the packaged template, and every IAM policy that the project emits or prints: `python -m ops.lint`.

- cfn-lint: is the template, and is each policy, what AWS takes? Do the actions exist?
- checkov: is the template as safe as is usual?
- parliament: are there resources of the kind that the actions are for?

Nothing of it asks the network. What a linter finds and is meant so stands in `EXCEPTIONS`, with the reason.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from chalicelib.errors import ConfigError
from ops.building.package import package
from ops.environments import ROOT, programs
from ops.errors import CommandFailed
from ops.linting.policy_sources import (
    Policy,
    UnreadablePolicy,
    policies_of_code,
    policies_of_template,
    printed_policies,
)
from ops.processes.file_lock import file_lock
from ops.processes.run import run
from ops.stages.names import API, FUNCTION, FUNCTION_ROLE, LOG_GROUP, TABLE
from ops.stages.runtimes import OWN_RUNTIME
from ops.stages.stage import read_stage
from ops.terminal.say import say

_STAGE: Final = "prod"
_EVERYWHERE: Final = "*"
# Why it is meant so, by what the linter calls it and by where it is: a resource of the template, or a policy's name.
EXCEPTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("CKV_AWS_76", API): "An audit record tells more of each request than an access log, and no secrets.",
    ("CKV_AWS_116", FUNCTION): "Dead letters are for events. API Gateway waits, and gives the caller the error.",
    ("CKV_AWS_117", FUNCTION): "It talks to STS, DynamoDB and public issuers; in a VPC it would need a way out.",
    ("CKV_AWS_119", TABLE): "It holds hashes of tokens, encrypted with AWS's key; another is the adopter's.",
    ("CKV_AWS_120", API): "Credentials must not be cached.",
    ("CKV_AWS_158", LOG_GROUP): "CloudWatch encrypts by itself; a KMS key of one's own is the adopter's.",
    ("CKV_AWS_173", FUNCTION): "Its variables are names and switches, no secrets; Lambda encrypts them by itself.",
    (
        "UNKNOWN_CONDITION_FOR_ACTION",
        f"{FUNCTION_ROLE} 2",
    ): "Lambda sets lambda:SourceFunctionArn in all that a function asks: permissions-source-function-arn.html.",
    # cfn-lint's list of actions is the newer one, and it looks for unknown ones as well.
    ("UNKNOWN_ACTION", _EVERYWHERE): "parliament's list of actions is older than what AWS offers.",
}


class LinterFailed(Exception):
    """A linter did not do its work; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a linter does not like.

    Attributes:
        rule: what the linter calls it.
        subject: a resource of the template, or a policy's name.
    """

    rule: str
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message[:300]} ({self.rule})"


def template_findings(template: Path) -> Iterator[Finding]:
    """What cfn-lint and checkov find in a template.

    Raises:
        LinterFailed: one of them did not do its work.
    """
    for found in _cfn_lint(template):
        yield Finding(found.rule, found.subject, found.message)
    yield from _checkov(template)


def policy_findings(policies: list[Policy], directory: Path) -> Iterator[Finding]:
    """What cfn-lint and parliament find in IAM policies.

    Args:
        directory: where a file for cfn-lint is written.

    Raises:
        LinterFailed: one of them did not do its work.
    """
    names = {f"Policy{index}": policy.name for index, policy in enumerate(policies)}
    resources = {name: _resource(policy) for name, policy in zip(names, policies, strict=True)}
    path = directory / "policies.json"
    path.write_text(json.dumps({"Resources": resources}), encoding="utf-8")
    for found in _cfn_lint(path):
        yield Finding(found.rule, names.get(found.subject, found.subject), found.message)
    yield from _parliament(policies)


def judge(findings: list[Finding], exceptions: Mapping[tuple[str, str], str]) -> list[str]:
    """What is to be said: findings that are no exceptions, and exceptions of which there are none any more."""
    found = {(finding.rule, finding.subject) for finding in findings} | {(f.rule, _EVERYWHERE) for f in findings}
    unexplained = [
        str(finding)
        for finding in findings
        if (finding.rule, finding.subject) not in exceptions and (finding.rule, _EVERYWHERE) not in exceptions
    ]
    idle = [
        f"{rule} is not found in {place} any more: take the exception out." for rule, place in exceptions.keys() - found
    ]
    return sorted(unexplained) + sorted(idle)


def lint() -> list[str]:
    """Package the service and lint it. Returns what is to be said.

    Raises:
        CommandFailed, ConfigError: it cannot be packaged.
        LinterFailed: a linter did not do its work.
        UnreadablePolicy: an IAM policy cannot be read.
    """
    build = ROOT / ".build/lint"
    with file_lock(build / "lock"):
        build.parent.chmod(0o700)
        stage = read_stage(ROOT, _STAGE)
        # Packaged by this Python, as the linters look at the template alone; and then the runtime that is meant.
        path = package(replace(stage, runtime=OWN_RUNTIME), build)
        template = json.loads(path.read_text(encoding="utf-8"))
        template["Resources"][FUNCTION]["Properties"]["Runtime"] = stage.runtime
        path.write_text(json.dumps(template), encoding="utf-8")
        policies = [*policies_of_template(template), *policies_of_code(), *printed_policies(ROOT)]
        with ThreadPoolExecutor() as threads:
            both = (
                threads.submit(lambda: list(template_findings(path))),
                threads.submit(lambda: list(policy_findings(policies, build))),
            )
            return judge([finding for one in both for finding in one.result()], EXCEPTIONS)


def _resource(policy: Policy) -> dict[str, object]:
    """A resource of a template whose policy is of that kind."""
    if policy.kind == "trust":
        return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy.document}}
    if policy.kind == "resource" and '"s3:' in json.dumps(policy.document):
        return {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "sample", "PolicyDocument": policy.document}}
    document = policy.document
    if policy.kind == "resource":  # an API's: cfn-lint looks into none, so into all of it but who is let in
        statements = [
            {key: statement[key] for key in statement if key != "Principal"} for statement in policy.statements
        ]
        document = {**document, "Statement": statements}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}


def _cfn_lint(template: Path) -> Iterator[Finding]:
    said = _run([str(programs("lint") / "cfn-lint"), "--format", "json", str(template)])
    for found in cast(list[dict[str, dict[str, str | list[str]]]], said):
        path = [*(found["Location"]["Path"] or []), "", ""]
        rule = str(found["Rule"]["Id"])
        yield Finding(rule, path[1] or template.name, str(found["Message"]))


def _checkov(template: Path) -> Iterator[Finding]:
    command = [str(programs("lint") / "checkov"), "--framework", "cloudformation", "--skip-download", "--compact"]
    said = cast(dict[str, dict[str, list[dict[str, str]]]], _run([*command, "--output", "json", "-f", str(template)]))
    # Where it could read nothing it says so by leaving the results out.
    if not said.get("results", {}).get("passed_checks"):
        raise LinterFailed(f"checkov checked nothing: {json.dumps(said)[:500]}")
    for found in said["results"]["failed_checks"]:
        yield Finding(found["check_id"], found["resource"].rpartition(".")[2], found["check_name"])


def _parliament(policies: list[Policy]) -> Iterator[Finding]:
    # It knows policies with resources alone: those of a trust policy are the role itself.
    documents = {policy.name: _with_resources(policy) for policy in policies}
    command = [str(programs("lint") / "python"), "-W", "ignore", "-m", "ops.linting.parliament_findings"]
    for name, issue, detail in cast(list[list[object]], _run(command, json.dumps(documents))):
        yield Finding(str(issue), str(name), json.dumps(detail))


def _with_resources(policy: Policy) -> Mapping[str, object]:
    if policy.kind != "trust":
        return policy.document
    role = {"Resource": "arn:aws:iam::111122223333:role/trusting"}
    return {**policy.document, "Statement": [{**statement, **role} for statement in policy.statements]}


def _run(command: list[str], said: str = "") -> object:
    """What a linter writes, which says by its exit status that it found something, as well as that it failed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BC_", "CKV_", "PRISMA"))}
    environment = kept | {"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    done = run(command, directory=ROOT, environment=environment, said=said)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise LinterFailed(f"{Path(command[0]).name} failed:\n{(done.stderr or done.stdout).strip()}") from None


def main() -> int:
    try:
        problems = lint()
    except (CommandFailed, ConfigError, LinterFailed, UnreadablePolicy) as error:
        say(str(error))
        return 1
    for problem in problems:
        say(problem)
    if problems:
        say("What is meant so belongs into EXCEPTIONS in ops/lint.py, with the reason.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
