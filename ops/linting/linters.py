"""Runs the linters, none of which asks the network.

- cfn-lint: is the template, and is each policy, what AWS takes? Do the actions exist?
- checkov: is the template as safe as is usual?
- parliament: are there resources of the kind that the actions are for?
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import assert_never, cast

from ops.environments import ROOT, programs
from ops.linting.findings import Finding
from ops.linting.policy_sources import Policy
from ops.processes.run import run


class LinterFailed(Exception):
    """A linter did not do its work; the message holds what it said."""


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


def _resource(policy: Policy) -> dict[str, object]:
    """A resource of a template whose policy is of that kind."""
    match policy.kind:
        case "trust":
            return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy.document}}
        case "resource":
            if '"s3:' in json.dumps(policy.document):
                properties = {"Bucket": "sample", "PolicyDocument": policy.document}
                return {"Type": "AWS::S3::BucketPolicy", "Properties": properties}
            # An API's: cfn-lint looks into none, so into all of it but who is let in.
            statements = [
                {key: statement[key] for key in statement if key != "Principal"} for statement in policy.statements
            ]
            return _managed_policy({**policy.document, "Statement": statements})
        case "identity":
            return _managed_policy(policy.document)
        case never:
            assert_never(never)


def _managed_policy(document: Mapping[str, object]) -> dict[str, object]:
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
