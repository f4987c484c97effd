"""The walk-through on a local AWS: `python -m local.demo [--keep]`."""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from chalicelib.errors import ConfigError
from local.aws import ADMIN, REGION, USER, LocalAws, LocalAwsError, local_aws
from local.oidc_provider import OidcProvider, OidcProviderError, oidc_provider
from ops.deployed.deployment import Deployment
from ops.deploying.deploy import deploy
from ops.environments import ROOT, SetupError, programs
from ops.errors import CommandFailed

_ISSUERS = """\
issuers:
  - name: demo-ci
    issuer: {issuer}
    audiences: ["{audience}"]
    types: [at+jwt]
    claims: {{repository: repository, ref: ref}}
"""
_POLICY = """\
@id("the-main-branch-may-use-ec2")
permit (
  principal is OidcSubject in OidcIssuer::"demo-ci",
  action == Action::"AssumeRole",
  resource in RoleGroup::"ec2"
)
when {
  principal.hasTag("repository") && principal.getTag("repository").text == "acme/app" &&
  principal.hasTag("ref") && principal.getTag("ref").text == "refs/heads/main"
};
"""
_TESTS = """\
tests:
  - name: the main branch works with EC2
    caller: {issuer: demo-ci, claims: {sub: ci, repository: acme/app, ref: refs/heads/main}}
    role: assume-role-role
    expect: allow
    policies: [the-main-branch-may-use-ec2]
  - name: other branches do not
    caller: {issuer: demo-ci, claims: {sub: ci, repository: acme/app, ref: refs/heads/feature}}
    role: assume-role-role
    expect: deny
"""
_TRY = """\
curl --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" --config <(echo "user = $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY") \
"$CREDVEND_URL/v1/iam/roles"
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="credvend's walk-through, on a local AWS.")
    parser.add_argument("--keep", action="store_true", help="leave the local AWS running at the end")
    keep = parser.parse_args(arguments).keep
    try:
        _say("Starting a local AWS and an OpenID provider ...")
        with local_aws(keep) as aws, oidc_provider() as oidc:
            deployed = deploy("local", aws.environment(), _configuration(aws, oidc))
            sys.stdout.flush()
            environment = _environment(aws, deployed) | _environment_of_ci(oidc)
            done = subprocess.run(["bash", str(ROOT / "local/demo.sh")], env=environment, check=False)
            if done.returncode != 0:
                raise CommandFailed("The demo stopped half-way; the command above says why.")
            if keep:
                _hand_over(aws, deployed)
        if not keep:
            print("\nThe local AWS is stopped now. `make demo KEEP=1` leaves it up, to try this next:\n")
            print(_TRY)
    except KeyboardInterrupt:
        _say("\nStopped.")
        return 130
    except (CommandFailed, ConfigError, LocalAwsError, OidcProviderError, SetupError) as error:
        _say(str(error))
        return 1
    return 0


def _configuration(aws: LocalAws, oidc: OidcProvider) -> Path:
    """The shipped configuration, and the local OpenID provider as an issuer."""
    config = aws.directory / "config"
    shutil.copytree(ROOT / "chalicelib/config", config)
    issuer = _ISSUERS.format(issuer=oidc.issuer, audience=oidc.audience)
    (config / "issuers.yaml").write_text(issuer, encoding="utf-8")
    (config / "policies/demo-ci.cedar").write_text(_POLICY, encoding="utf-8")
    (config / "tests/demo-ci.yaml").write_text(_TESTS, encoding="utf-8")
    return config


def _environment_of_ci(oidc: OidcProvider) -> dict[str, str]:
    """What a job of the provider's CI system would have: a key to get its token with."""
    job = oidc.register("repo:acme/app:ref:refs/heads/main", {"repository": "acme/app", "ref": "refs/heads/main"})
    return {
        "OIDC_ISSUER": oidc.issuer,
        "OIDC_AUDIENCE": oidc.audience,
        "OIDC_CLIENT_ID": job.client_id,
        "OIDC_CLIENT_SECRET": job.client_secret,
    }


def _environment(aws: LocalAws, deployed: Deployment) -> dict[str, str]:
    environment = aws.environment()
    return environment | {
        "PATH": os.pathsep.join([str(programs("dev")), environment.get("PATH", os.defpath)]),
        "CREDVEND_CLIENT_PYTHON": str(programs("client") / "python"),
        "AWS_CLI_PYTHON": str(programs("aws") / "python"),
        "AWS_PAGER": "",
        "CREDVEND_API_ARN": deployed.api_arn,
        "CREDVEND_LOG_GROUP": deployed.log_group,
        "CREDVEND_ROLE_ARN": deployed.function_role_arn,
        "CREDVEND_URL": deployed.url,
        "DEMO_DIRECTORY": str(aws.directory),
    }


def _hand_over(aws: LocalAws, deployed: Deployment) -> None:
    """Leave behind, for a shell to source, where the local AWS is, and a key for it: the user's, and the root's."""
    settings = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "CREDVEND_URL": deployed.url,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    root = {"AWS_ACCESS_KEY_ID": aws.access_key_id, "AWS_SECRET_ACCESS_KEY": aws.secret_access_key}
    _write(aws.directory / USER.name, settings)  # the walk-through wrote the user's key there
    _write(aws.directory / ADMIN.name, settings | root)
    for link in (USER, ADMIN):
        link.unlink(missing_ok=True)
        link.symlink_to(aws.directory / link.name)
    print("\nThe local AWS stays up until `make stop`.")
    print(f"As its administrator, source {ADMIN.relative_to(ROOT)}: docs/local-aws.md goes on from there.")
    print("Or try this next, as assume-role-user:\n")
    print(f"source {USER.relative_to(ROOT)} && {_TRY}")


def _write(script: Path, variables: Mapping[str, str]) -> None:
    """Append to a script that nobody else may read."""
    script.touch(mode=0o600)
    with script.open("a", encoding="utf-8") as file:
        file.write("unset AWS_PROFILE AWS_SESSION_TOKEN\n")
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
