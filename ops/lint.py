"""Lints the packaged template, and every IAM policy that the project emits or prints: `python -m ops.lint`.

What a linter finds and is meant so stands in `EXCEPTIONS`, with the reason.
"""

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from chalicelib.errors import ConfigError
from ops.building.package import package
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.linting.findings import EVERYWHERE, judge
from ops.linting.linters import LinterFailed, policy_findings, template_findings
from ops.linting.policy_sources import (
    UnreadablePolicy,
    policies_of_code,
    policies_of_template,
    printed_policies,
)
from ops.processes.file_lock import file_lock
from ops.stages.names import (
    API,
    DOCTOR,
    DOCTOR_LOG_GROUP,
    FUNCTION,
    FUNCTION_ROLE,
    LOG_GROUP,
    QUOTAS_TABLE,
    REVOKER,
    REVOKER_LOG_GROUP,
    REVOKER_ROLE,
    TABLES,
    USED_TABLE,
)
from ops.stages.runtimes import OWN_RUNTIME
from ops.stages.stage import read_stage
from ops.terminal.say import say

_STAGE: Final = "prod"
# Why it is meant so, by what the linter calls it and by where it is: a resource of the template, or a policy's name.
EXCEPTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("CKV_AWS_76", API): "An audit record tells more of each request than an access log, and no secrets.",
    ("CKV_AWS_116", FUNCTION): "Dead letters are for events. API Gateway waits, and gives the caller the error.",
    ("CKV_AWS_116", REVOKER): "What fails is kept in the table, with the reason, and the stream brings it again.",
    ("CKV_AWS_116", DOCTOR): "Dead letters are for events. Whoever asks waits for the answer.",
    ("CKV_AWS_117", DOCTOR): "It talks to STS; in a VPC it would need a way out.",
    ("CKV_AWS_117", FUNCTION): "It talks to STS, DynamoDB and public issuers; in a VPC it would need a way out.",
    ("CKV_AWS_117", REVOKER): "It talks to IAM, STS and DynamoDB; in a VPC it would need a way out.",
    ("CKV_AWS_28", USED_TABLE): "What it holds ends with its tokens; an earlier state would let used ones in again.",
    ("CKV_AWS_28", QUOTAS_TABLE): "Counts of minutes and days: an earlier state would be a wrong one.",
    **{
        ("CKV_AWS_119", table): "It holds no secrets; AWS's key encrypts it, another is the adopter's."
        for table in TABLES
    },
    **{
        (finding, "docs/sessions.md 1"): "The provider is credvend's own, and its keys are those of its tokens: "
        "reference_policies_iam-condition-keys.html#condition-keys-wif."
        for finding in ("UNKNOWN_CONDITION_FOR_ACTION", "UNKNOWN_FEDERATION_SOURCE")
    },
    ("CKV_AWS_120", API): "Credentials must not be cached.",
    **{
        ("CKV_AWS_158", group): "CloudWatch encrypts by itself; a KMS key of one's own is the adopter's."
        for group in (LOG_GROUP, REVOKER_LOG_GROUP, DOCTOR_LOG_GROUP)
    },
    **{
        ("CKV_AWS_173", function): "Its variables are names and switches, no secrets; Lambda encrypts them by itself."
        for function in (FUNCTION, REVOKER, DOCTOR)
    },
    **{
        ("UNKNOWN_CONDITION_FOR_ACTION", f"{role} 2"): "Lambda sets lambda:SourceFunctionArn in all that a function "
        "asks: permissions-source-function-arn.html."
        for role in (FUNCTION_ROLE, REVOKER_ROLE)
    },
    # cfn-lint's list of actions is the newer one, and it looks for unknown ones as well.
    ("UNKNOWN_ACTION", EVERYWHERE): "parliament's list of actions is older than what AWS offers.",
    ("W3037", "docs/agents.md 1"): "cfn-lint's list is older than GetScopedCredentials, of November 2026.",
}


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
