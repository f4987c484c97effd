"""Measures the packaged service side by side with a naive Lambda: `python -m bench [--json FILE] [--quick]`.

docs/performance.md says what is modelled, and what is not.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from bench.configurations import Size
from bench.environment import Environment, Sts, stub_sts
from bench.events import oidc_event, sigv4_event
from bench.runtime import ColdStart, cold_start
from bench.table import Row, read_json, render, write_json
from bench.trees import BUILD, bare_tree, credvend_tree
from ops.environments import ROOT, SetupError, ensure
from ops.errors import CommandFailed
from testing.tokens import Key, rsa_key

_BARE: Final = "bare Lambda"
_SMALL: Final = Size(10, 10)
_WITH_LEDGER: Final = Size(10, 10, ledger=True)
_LARGE: Final = Size(1000, 5000)
_HUGE: Final = Size(20_000, 1000)
_MANY_ACCOUNTS: Final = Size(20_000, 1000, accounts=40)
_LONG: Final = Size(10, 10, long=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, default=BUILD / "results.json", help="where the results go")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds: to see that it works")
    options = parser.parse_args(arguments)
    rounds = 5 if options.quick else 50
    try:
        ensure("runtime")
        rows = measure(rounds, rsa_key("bench"))
    except (CommandFailed, SetupError) as error:
        print(error, file=sys.stderr)
        return 1
    write_json(rows, options.json)
    print(render(rows))
    return 0


def measure(rounds: int, key: Key) -> list[Row]:
    """All rows. One round takes a second or two."""
    _say("Packaging ...")
    bare = bare_tree()
    zipped, small = credvend_tree(_SMALL, key)
    with stub_sts() as sts:
        rows = measure_under_runtime_client(rounds, small, bare, sts)
        rows += measure_cold(rounds, small, bare, sts)
        rows += measure_warm(rounds, small, bare, sts, key)
        rows += measure_ledger(rounds, credvend_tree(_WITH_LEDGER, key)[1], small, bare, sts)
        rows += measure_issuing(rounds, credvend_tree(_LONG, key)[1], sts)
        rows += measure_memory(rounds, small, bare, sts)
        rows += measure_growth(rounds, small, sts, key)
    rows.append(measure_stranger(40 * rounds))
    megabytes = zipped.stat().st_size / 1_000_000
    rows.append(Row("deployment.zip", "", megabytes, None, "MB", "absolute", 20))
    return rows + measure_client()


def measure_under_runtime_client(rounds: int, small: Path, bare: Path, sts: Sts) -> list[Row]:
    """Cold starts as Lambda sees them, in turns."""
    _say("Cold starts under AWS's runtime client ...")
    event = sigv4_event("user-0", "role-0")
    ours: list[ColdStart] = []
    theirs: list[ColdStart] = []
    for number in range(rounds + 1):
        turns = [(ours, small, "app.app"), (theirs, bare, "bare.handler")]
        for taken, tree, handler in turns if number % 2 else reversed(turns):
            start = cold_start(tree, handler, sts, event)
            if number > 0:  # the first round brings the files into memory
                taken.append(start)
    return [
        _ratio("awslambdaric: until ready", _BARE, _inits(ours), _inits(theirs), 1.0),
        _ratio("awslambdaric: first request", _BARE, _firsts(ours), _firsts(theirs), 1.3),
    ]


def _inits(starts: Sequence[ColdStart]) -> list[float]:
    return [start.init for start in starts]


def _firsts(starts: Sequence[ColdStart]) -> list[float]:
    return [start.first for start in starts]


def measure_cold(rounds: int, small: Path, bare: Path, sts: Sts) -> list[Row]:
    """Fresh interpreters, in turns: import and init, and the first request."""
    _say("Cold starts ...")
    event = sigv4_event("user-0", "role-0")
    init: dict[str, list[float]] = {"credvend": [], "bare": []}
    first: dict[str, list[float]] = {"credvend": [], "bare": []}
    for number in range(rounds + 1):
        for name, tree in (
            (("credvend", small), ("bare", bare)) if number % 2 else (("bare", bare), ("credvend", small))
        ):
            environment = _environment(name, tree, sts)
            taken = environment.call(event)
            environment.end()
            if number > 0:  # the first round brings the files into memory
                init[name].append(environment.init)
                first[name] += taken
    return [
        _ratio("import + init", _BARE, init["credvend"], init["bare"], 1.0),
        _ratio("first request", _BARE, first["credvend"], first["bare"], 1.3),
        _ratio(
            "import + init + first request",
            _BARE,
            list(map(sum, zip(init["credvend"], first["credvend"], strict=True))),
            list(map(sum, zip(init["bare"], first["bare"], strict=True))),
            None,
        ),
    ]


def measure_warm(rounds: int, small: Path, bare: Path, sts: Sts, key: Key) -> list[Row]:
    """Environments that live on, which are called in turns."""
    _say("Warm requests ...")
    ours, theirs = _environment("credvend", small, sts), _environment("bare", bare, sts)
    signed, bearer = sigv4_event("user-0", "role-0"), oidc_event("user-1", "role-1", key)
    vends: list[float] = []
    with_tokens: list[float] = []
    bare_calls: list[float] = []
    for number in range(rounds + 1):
        taken = ours.call(signed, 40), theirs.call(signed, 40), ours.call(bearer, 40)
        if number > 0:
            vends += taken[0]
            bare_calls += taken[1]
            with_tokens += taken[2]
    ours.end()
    theirs.end()
    return [
        _added("warm vend, SigV4: p50", _BARE, median(vends), median(bare_calls), 1.5),
        _added("warm vend, SigV4: p99", _BARE, _p99(vends), _p99(bare_calls), 4),
        _added("warm vend, OIDC: p50", "SigV4 vend", median(with_tokens), median(vends), 0.5),
        _added("warm vend, OIDC: p99", "SigV4 vend", _p99(with_tokens), _p99(vends), None),
    ]


def measure_ledger(rounds: int, ledger: Path, small: Path, bare: Path, sts: Sts) -> list[Row]:
    """The same with the ledger on, and three counts of a quota: two round trips to DynamoDB, on loopback, more."""
    _say("With the ledger ...")
    event = sigv4_event("user-0", "role-0")
    trees = {"ledger": ledger, "off": small, "bare": bare}
    init: dict[str, list[float]] = {name: [] for name in trees}
    first: dict[str, list[float]] = {name: [] for name in trees}
    for number in range(rounds + 1):
        for name in sorted(trees, reverse=number % 2 == 0):
            environment = _environment("bare" if name == "bare" else "credvend", trees[name], sts)
            taken = environment.call(event)
            environment.end()
            if number > 0:  # the first round brings the files into memory
                init[name].append(environment.init)
                first[name] += taken
    with_it, without = _environment("credvend", ledger, sts), _environment("credvend", small, sts)
    warm: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        calls = with_it.call(event, 40), without.call(event, 40)
        if number > 0:
            for all_of_it, some in zip(warm, calls, strict=True):
                all_of_it += some
    with_it.end()
    without.end()
    both = {name: list(map(sum, zip(init[name], first[name], strict=True))) for name in trees}
    off = "ledger off"
    return [
        _ratio("with ledger: import + init", _BARE, init["ledger"], init["bare"], 1.05),
        _ratio("with ledger: import + init", off, init["ledger"], init["off"], None),
        _ratio("with ledger: import + init + first request", _BARE, both["ledger"], both["bare"], None),
        _added("with ledger: warm vend, p50", off, median(warm[0]), median(warm[1]), 3),
        _added("with ledger: warm vend, p99", off, _p99(warm[0]), _p99(warm[1]), None),
    ]


def measure_issuing(rounds: int, tree: Path, sts: Sts) -> list[Row]:
    """Sessions that AssumeRole alone does not make: a token signed by KMS, on loopback, and a second call of STS."""
    _say("Long sessions, and leases ...")
    environment = _environment("credvend", tree, sts)
    events = {what: sigv4_event("user-0", "role-0", what) for what in ("12h", "60s")}
    taken: dict[str, list[float]] = {what: [] for what in events}
    for number in range(rounds + 1):
        for what, event in events.items():
            calls = environment.call(event, 20)
            if number > 0:
                taken[what] += calls
    environment.end()
    return [
        Row(f"warm vend of {what}", "", median(times), None, "ms", "absolute", None, _p99(times))
        for what, times in taken.items()
    ]


def measure_memory(rounds: int, small: Path, bare: Path, sts: Sts) -> list[Row]:
    """Resident memory at its peak, after 1,000 vends; and whether it grows."""
    _say("Memory ...")
    event = sigv4_event("user-0", "role-0")
    ours, theirs = _environment("credvend", small, sts), _environment("bare", bare, sts)
    block = 20  # small, or the list of times would be what grows
    for environment in (ours, theirs):
        for _ in range(rounds):
            environment.call(event, block)
    (_, peak), (_, bare_peak) = ours.memory(), theirs.memory()
    for _ in range(9 * rounds):
        ours.call(event, block)
    _, later = ours.memory()
    ours.end()
    theirs.end()
    return [
        Row(f"peak memory, {block * rounds} vends", _BARE, peak / 1000, bare_peak / 1000, "MB", "ratio", 1.5),
        Row(
            f"peak memory, {10 * block * rounds} vends",
            f"{block * rounds} vends",
            later / 1000,
            peak / 1000,
            "MB",
            "ratio",
            1.02,
        ),
    ]


def measure_stranger(requests: int) -> Row:
    """What the process grows by while somebody who may have nothing asks for everything."""
    _say("A stranger ...")
    policies = 1000
    command = [sys.executable, "-m", "testing.stranger", str(requests), str(policies)]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise CommandFailed("python -m testing.stranger failed; it says above why.")
    figures = json.loads(done.stdout)
    grown = (figures["after"] - figures["before"]) / 1000
    # As many are about anything, as many about a role.
    what = f"growth by a stranger's {requests} requests, {2 * policies} policies"
    return Row(what, "", grown, None, "MB", "absolute", 16)


def measure_growth(rounds: int, small: Path, sts: Sts, key: Key) -> list[Row]:
    """Decisions in a large configuration, and how long it takes to load."""
    _say("Growth ...")
    rows: list[Row] = []
    for size, little, goal in (
        (_LARGE, _SMALL, 2.0),
        (_HUGE, _SMALL, 2.0),
        (_MANY_ACCOUNTS, _SMALL, 2.0),
        (Size(1000, 5000, "caller"), Size(10, 10, "caller"), 2.0),
        (Size(1000, 1000, "anything"), Size(10, 10, "anything"), None),
    ):
        _, large_tree = credvend_tree(size, key)
        small_tree = small if little == _SMALL else credvend_tree(little, key)[1]
        many, few = (_decisions(rounds, *one, sts) for one in ((large_tree, size), (small_tree, little)))
        where = f" in {size.accounts} accounts" if size.accounts else ""
        what = f"decision: {size.roles} roles{where}, {size.policies} policies about {_ABOUT[size.shape]}"
        against = f"{little.roles} and {little.policies}"
        rows.append(_ratio(what, against, many.again, few.again, goal))
        rows.append(_ratio(f"{what}, first", against, many.first, few.first, goal))
        if size in (_LARGE, _HUGE, _MANY_ACCOUNTS):
            rows.append(
                Row("load at init of that size", "", median(many.load), None, "ms", "absolute", 150, _p99(many.load))
            )
            rows.append(_ratio("import + init of that size", against, many.init, few.init, None))
    return rows


_ABOUT: Final = {"role": "caller and role", "caller": "a caller", "anything": "anything"}


@dataclass(frozen=True, slots=True)
class _Decisions:
    """Times in one configuration, in milliseconds: of the first decision about each role, and of later ones."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    init: list[float] = field(default_factory=list)


def _decisions(rounds: int, tree: Path, size: Size, sts: Sts) -> _Decisions:
    taken = _Decisions()
    for _ in range(max(2, rounds // 10)):
        environment = _environment("credvend", tree, sts)
        taken.init.append(environment.init)
        taken.load.append(environment.load())
        taken.first.extend(environment.decide(size.questions))
        taken.again.extend(environment.decide(size.questions * (1 if size.roles >= 1000 else 100)))
        environment.end()
    return taken


def measure_client() -> list[Row]:
    """The rows of the thin client, which measures itself, where it is there."""
    if importlib.util.find_spec("bench.client") is None:
        return []
    _say("The client ...")
    results = BUILD / "client.json"
    results.unlink(missing_ok=True)
    # It ends with 1 where it misses a goal, and then, too, there are results.
    command = [sys.executable, "-m", "bench.client", "--json", str(results)]
    subprocess.run(command, cwd=ROOT, check=False, stdout=sys.stderr)
    if not results.exists():
        raise CommandFailed("python -m bench.client failed; it says above why.")
    return read_json(results)


def _environment(name: str, tree: Path, sts: Sts) -> Environment:
    module, handler = ("app", "app") if name == "credvend" else ("bare", "handler")
    return Environment(tree, module, handler, sts)


def _ratio(what: str, against: str, ours: Sequence[float], theirs: Sequence[float], goal: float | None) -> Row:
    return Row(what, against, median(ours), median(theirs), "ms", "ratio", goal, _p99(ours))


def _added(what: str, against: str, ours: float, theirs: float, goal: float | None) -> Row:
    return Row(what, against, ours, theirs, "ms", "added", goal)


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
