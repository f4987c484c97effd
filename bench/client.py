"""How fast is `credvend process` from its cache? `python -m bench.client [--rounds N] [--json FILE]`.

In one run, in turns, so that a busy machine is busy for all of them: a bare `python -c pass` of the interpreter that
the client is installed for; `credvend process ROLE` from the cache, for a caller that signs and for one with a token;
and `aws sts assume-role` against the local AWS, for the same role. Medians count.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.table import Row, render, write_json
from bench.trees import BUILD
from chalicelib.errors import ConfigError
from local.aws import ACCOUNT, LocalAws, LocalAwsError, local_aws
from ops.aws.aws_cli import AwsCli
from ops.deploying.deploy import deploy
from ops.environments import SetupError, ensure, programs
from ops.errors import CommandFailed
from ops.iam.statements import trust_statement

# What the client promises: at most so many bare interpreters, and at most such a part of the aws command.
MOST_INTERPRETERS: Final = 2.5
MOST_OF_AWS: Final = 1 / 5
USER: Final = "assume-role-user"
ROLE: Final = "assume-role-role"
_BARE: Final = "python -c pass"
_SIGNED: Final = "credvend process, signing"
_TOKEN: Final = "credvend process, with a token"  # noqa: S105 what it is called
_AWS: Final = "aws sts assume-role"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.client", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="how often each is run; aws a quarter as often")
    parser.add_argument("--json", type=Path, default=BUILD / "client.json", help="where the results go")
    options = parser.parse_args(arguments)
    try:
        for name in ("aws", "ministack", "client"):
            ensure(name)
        with local_aws() as aws:
            environment = _prepare(aws)
            times = _measure(environment, options.rounds)
    except KeyboardInterrupt:
        return 130
    except (CommandFailed, ConfigError, LocalAwsError, SetupError) as error:
        print(error, file=sys.stderr)
        return 1
    rows = _rows(times)
    write_json(rows, options.json)
    print(render(rows))
    return 0 if all(row.met for row in rows) else 1


def _prepare(aws: LocalAws) -> dict[str, str]:
    """The environment of a user who may assume the role through credvend and, for the comparison, without it."""
    administrator = AwsCli(aws.environment())
    deployed = deploy("local", aws.environment())
    direct = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [trust_statement(deployed.function_role_arn), direct]}
    rights = {"Effect": "Allow", "Action": ["execute-api:Invoke", "sts:AssumeRole"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    administrator.json("iam", "create-user", "--user-name", USER)
    named = ["--user-name", USER, "--policy-name", "call-credvend", "--policy-document", policy]
    administrator.json("iam", "put-user-policy", *named)
    key = administrator.json("iam", "create-access-key", "--user-name", USER)["AccessKey"]
    if not isinstance(key, dict):
        raise CommandFailed("aws iam create-access-key printed no key")
    described = ["--role-name", ROLE, "--assume-role-policy-document", json.dumps(trust)]
    administrator.json("iam", "create-role", *described)
    home = aws.directory / "bench-home"
    home.mkdir(mode=0o700)
    signing = aws.environment_for(str(key["AccessKeyId"]), str(key["SecretAccessKey"]))
    return {**signing, "HOME": str(home), "CREDVEND_URL": deployed.url, "AWS_PAGER": ""}


def _measure(environment: Mapping[str, str], rounds: int) -> dict[str, list[float]]:
    """Seconds that each command took, each time."""
    credvend = str(programs("client") / "credvend")
    bearer = {name: value for name, value in environment.items() if not name.startswith(("AWS_ACCESS", "AWS_SECRET"))}
    bearer["CREDVEND_TOKEN"] = "cvt_" + "x" * 49
    _fill_cache(environment, bearer)
    arn = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    assume = [str(programs("aws") / "python"), "-m", "awscli", "sts", "assume-role", "--role-arn", arn]
    commands: dict[str, tuple[list[str], Mapping[str, str]]] = {
        _BARE: ([str(programs("client") / "python"), "-c", "pass"], environment),
        _SIGNED: ([credvend, "process", ROLE], environment),
        _TOKEN: ([credvend, "process", ROLE], bearer),
        _AWS: ([*assume, "--role-session-name", "bench"], environment),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(-1, rounds):
        for name, (command, variables) in commands.items():
            if name == _AWS and turn % 4:
                continue
            taken = _run(command, variables)
            if turn >= 0:  # the first turn only warms up
                times[name].append(taken)
    return times


def _fill_cache(environment: Mapping[str, str], bearer: Mapping[str, str]) -> None:
    """Vend once; and have the caller with the token, whom no issuer vouches for here, find the same answer."""
    _run([str(programs("client") / "credvend"), "process", ROLE], environment)
    code = (
        "import os, sys\n"
        "from credvend import lean\n"
        "from credvend.disk.private_files import write_private\n"
        "(name,) = [name for name in os.listdir(lean.cache_directory(os.environ)) if name.endswith('.entry')]\n"
        "path = os.path.join(lean.cache_directory(os.environ), name)\n"
        "entry = lean.parse_entry(lean.read_private(path), name[:-6])\n"
        "settings = lean.read_settings(os.environ)\n"
        "caller = lean.identity('token', settings, os.environ)\n"
        "entry.key = lean.cache_key(settings['url'], 'token', caller, sys.argv[1])\n"
        "write_private(lean.cache_path(os.environ, entry.key + '.entry'), entry.to_bytes())\n"
    )
    _run([str(programs("client") / "python"), "-c", code, ROLE], bearer)


def _run(command: list[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    taken = time.perf_counter() - started
    if done.returncode != 0:
        raise CommandFailed(f"{Path(command[0]).name} ... failed: {done.stderr.decode(errors='replace').strip()}")
    return taken


def _rows(times: Mapping[str, list[float]]) -> list[Row]:
    return [
        Row(
            what=what,
            against=against,
            figure=1000 * statistics.median(times[what]),
            reference=1000 * statistics.median(times[against]),
            unit="ms",
            kind="ratio",
            goal=goal,
            p99=1000 * statistics.quantiles(times[what], n=100)[98],
        )
        for what in (_SIGNED, _TOKEN)
        for against, goal in ((_BARE, MOST_INTERPRETERS), (_AWS, MOST_OF_AWS))
    ]


if __name__ == "__main__":
    sys.exit(main())
