"""What is told of a request that is described is what the service answers to the same request, whatever it is.

Random callers of every kind, roles and circumstances: once through the app, as API Gateway and a client would send it,
once through the code behind `credvend-admin test` and `explain`. Here every answer must be the same: allowed or not, by
which policies, the session, and the error that the caller is told.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from chalicelib.configuration.source import WrittenConfiguration, read_source
from chalicelib.http import HttpEdge
from ops.access.who_can import Way, who_can
from ops.api_tokens.new_token import IssuedToken, issue, item
from ops.deciding.deciding import Outcome
from ops.deciding.described import CallerEntry, Described, NotDescribed, outcome_of
from ops.deciding.written_policies import PolicyBook
from ops.explaining.explaining import explain
from ops.explaining.words import answer, reasons
from testing.app import ROLES, CredvendApp, lead_to, write_config
from testing.events import signed, unsigned
from testing.sts_server import sts_server
from testing.token_table import NAME, TokenTable, served
from testing.tokens import AUDIENCE, ISSUER, ec_key, honest_claims, key_set, sign

HOME: Final = "111122223333"
KEY: Final = ec_key("described")
ISSUERS: Final = (
    f"issuers: [{{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json, "
    "groups_claim: [realm, groups], claims: {team: team, areas: [nested, areas]}, "
    "required_claims: {env: [prod, test]}}]"
)
POLICIES: Final = """
@id("home") permit (principal in Account::"111122223333", action, resource in RoleGroup::"open");
@id("alice") permit (principal == IamUser::"arn:aws:iam::111122223333:user/alice", action,
  resource == Role::"forbidden")
when { context.duration <= 1000 } unless { context.narrowed };
@id("dev") permit (principal in OidcGroup::"main:dev", action, resource in RoleGroup::"open")
when { principal.hasTag("team") && principal.getTag("team").text like "a*" };
@id("areas") permit (principal is OidcSubject, action, resource == Role::"forbidden")
when { principal.hasTag("areas") && principal.getTag("areas").values.contains("b") && context has reason };
@id("tokens") permit (principal is ServiceToken, action, resource in RoleGroup::"open")
when { principal.hasTag("env") && principal.getTag("env") == "prod" || principal.owner == "olga" };
@id("session") forbid (principal is IamRole, action, resource) when { principal.session_name like "bot-*" };
@id("addresses") forbid (principal, action, resource == Role::"brief") unless {
  context.source_ip.isInRange(ip("10.0.0.0/8")) || context.source_ip.isInRange(ip("2001:db8::/32")) };
@id("sdk") forbid (principal, action, resource == Role::"listed") when { context.format == Format::"container" };
@id("reason") forbid (principal, action, resource == Role::"reasoned")
when { context has reason && context.reason like "*secret*" };
@id("tenant") forbid (principal, action, resource == Role::"tenant")
when { context.params.hasTag("tenant") && context.params.getTag("tenant") == "other" }
unless { context.tags.hasTag("Project") };
@id("overflow") forbid (principal, action, resource == Role::"plain")
when { context.duration > 1000 && context.duration * 9000000000000000 > 0 };
"""


@dataclass(repr=False)
class World:
    """The app, and what describes it."""

    app: CredvendApp
    written: WrittenConfiguration
    book: PolicyBook
    tokens: TokenTable
    issued: dict[str, IssuedToken] = field(default_factory=dict)
    ways: dict[str, dict[str, Way]] = field(default_factory=dict)

    def token(self, entry: CallerEntry) -> str:
        """An API token such as the entry describes."""
        key = repr(entry)
        if key not in self.issued:
            tags = tuple(sorted(entry.tags.items()))
            self.issued[key] = issue(entry.token or "", entry.owner or "", int(time.time()), 3600, tags, (), "me")
            stored = self.issued[key].stored
            self.tokens.items[stored.hash] = item(stored)  # type: ignore[assignment]
        return self.issued[key].token


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    config = write_config(tmp_path_factory.mktemp("config"), ROLES, POLICIES)
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(KEY)))
    (config / "issuers.yaml").write_text(ISSUERS)
    table = TokenTable()
    with pytest.MonkeyPatch.context() as patch, sts_server() as sts, served(table) as url:
        lead_to(sts, patch)
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        service = load_service(config, Settings("eu-west-1", tokens_table=NAME))
        patch.setattr(app_module, "service", service)
        patch.setattr(app_module, "edge", HttpEdge(service.record_unforeseen))
        written = read_source(config, allow_loopback_http=False)
        yield World(CredvendApp(sts, None), written, PolicyBook(written), table)  # type: ignore[arg-type]


NAMES = st.sampled_from(["alice", "bob", "bot-7", "a=b", "x" * 60, "carol@example.com"])
TEXTS = st.sampled_from(["a", "ab", "b", "", "other", "täxt", "a secret", " a ", "x" * 300, "*", "\u200b"])
SERVED = st.one_of(
    st.builds("arn:aws:iam::{}:user{}{}".format, st.sampled_from([HOME, "444455556666"]),
              st.sampled_from(["/", "/team/"]), NAMES),
    st.builds("arn:aws:sts::{}:assumed-role/{}/{}".format, st.sampled_from([HOME, "444455556666"]), NAMES, NAMES),
    st.builds("arn:aws:sts::{}:federated-user/{}".format, st.just(HOME), NAMES),
).map(lambda arn: CallerEntry(arn=arn))  # fmt: skip
SIGNERS = st.one_of(SERVED, st.just(CallerEntry(arn=f"arn:aws:iam::{HOME}:root")))
SCALARS = st.one_of(TEXTS, st.integers(-3, 10**20), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.one_of(NAMES, TEXTS, st.none(), st.just(7)),
        "aud": st.sampled_from([AUDIENCE, [AUDIENCE, "x"], "x", 7, None]),
        "env": st.sampled_from(["prod", "test", "dev", True]),
        "team": st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.just({})),
        "nested": st.one_of(
            st.just("x"), st.builds(lambda areas: {"areas": areas}, st.lists(st.sampled_from(["a", "b"])))
        ),
        "realm": st.builds(
            lambda groups: {"groups": groups},
            st.one_of(st.lists(st.sampled_from(["dev", "ops", " ", "dev"])), st.just("dev"), st.just([7])),
        ),
        "iat": st.sampled_from([1, "now", -5]),
    },
)
# Most tokens are in order.
GOOD = st.builds(
    lambda claims, sub: (
        {"sub": sub, "env": "prod"} | {k: v for k, v in claims.items() if k in ("team", "nested", "realm")}
    ),
    CLAIMS,
    NAMES,
)
GOOD_SUBJECTS = GOOD.map(lambda claims: CallerEntry(issuer="main", claims=claims))
SUBJECTS = st.one_of(GOOD, CLAIMS).map(lambda claims: CallerEntry(issuer="main", claims=claims))
TOKENS = st.builds(
    lambda name, owner, tags: CallerEntry(token=name, owner=owner, tags=tags),
    st.sampled_from(["ci", "nightly"]),
    st.sampled_from(["olga", "nobody"]),
    st.dictionaries(st.sampled_from(["env", "team"]), st.sampled_from(["prod", "dev"]), max_size=2),
)
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]}
ROLES_ASKED = st.sampled_from(
    ["reader", "brief", "reasoned", "plain", "forbidden", "tenant", "listed", f"arn:aws:iam::{HOME}:role/reader"]
)
ADDRESSES = st.sampled_from(["10.1.2.3", "198.51.100.7", "2001:db8::1", "::ffff:10.0.0.1"])
NOW = st.just(datetime(2026, 1, 1, tzinfo=UTC))
# Anything, most of which is refused for what it is.
WILD = st.builds(
    Described,
    caller=st.one_of(SIGNERS, SUBJECTS, TOKENS),
    role=ROLES_ASKED,
    time=NOW,
    duration=st.sampled_from([None, 900, 1000, 1800, "20m", "1h", "2h", 5, "soon", "3600"]),
    reason=st.one_of(st.none(), TEXTS),
    tags=st.dictionaries(st.sampled_from(["Project", "Cost Center", "Owner"]), TEXTS, max_size=2),
    params=st.dictionaries(st.sampled_from(["tenant", "area", "x"]), TEXTS, max_size=2),
    policy=st.sampled_from([None, POLICY, DENY, {}, {"Version": "x"}]),
    format=st.sampled_from([None, "json", "env", "process", "container", "xml"]),
    address=ADDRESSES,
)
# What is decided.
CALM = st.builds(
    Described,
    caller=st.one_of(SERVED, GOOD_SUBJECTS, TOKENS),
    role=ROLES_ASKED,
    time=NOW,
    duration=st.sampled_from([None, 900, "20m"]),
    reason=st.sampled_from([None, "a", "a secret"]),
    params=st.sampled_from([{}, {"tenant": "acme"}, {"tenant": "other", "area": "b"}]),
    tags=st.sampled_from([{}, {}, {"Project": "x"}]),
    policy=st.sampled_from([None, None, None, POLICY, DENY]),
    format=st.sampled_from([None, None, "env"]),
    address=ADDRESSES,
).map(lambda described: described._replace(params={}, tags={}) if described.role != "tenant" else described)
TO_SDKS = st.builds(
    lambda described, caller: described._replace(caller=caller, format="container", tags={}, policy=None),
    CALM,
    st.one_of(GOOD_SUBJECTS, TOKENS),
)
DESCRIBED = st.one_of(CALM, CALM, TO_SDKS, WILD)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(described=DESCRIBED)
def test_what_is_told_is_what_the_service_answers(
    world: World, capsys: pytest.CaptureFixture[str], described: Described
) -> None:
    now = datetime.now(UTC)
    described = described._replace(time=now, caller=_with_times(described.caller, now))
    try:
        outcome = outcome_of(world.written.configuration, described)
    except NotDescribed:  # there is no way to send it
        assert described.format == "container" and described.caller.arn is not None
        return
    capsys.readouterr()
    status, code = _send(world, described)
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status == 200) is outcome.allowed, (record, outcome)
    assert code == (None if outcome.refusal is None else outcome.refusal.code), (record, outcome)
    if outcome.refusal is not None:
        assert record["error"] == outcome.refusal.message
    if outcome.decided is None:
        assert "decision" not in record
        return
    assert record["decision"] == ("allow" if outcome.decided.decision.allowed else "deny")
    assert tuple(record["policies"]) == outcome.policies
    near = outcome.decided.near
    assert record.get("near_permits", {}).get("condition", []) == ([] if near is None else list(near.condition))
    if outcome.plan is not None:
        _same_session(record, outcome.plan._asdict())
    _is_explained(world, outcome)
    if outcome.allowed:
        _is_foretold(world, outcome)


def _is_foretold(world: World, outcome: Outcome) -> None:
    """Whoever gets in is among those of whom `who-can` tells."""
    assert outcome.asking is not None and outcome.decided is not None and outcome.decided.role is not None
    role = outcome.decided.role
    if role.name not in world.ways:
        world.ways[role.name] = {way.name: way for way in who_can(world.written, role)}
    for name in outcome.policies:
        way = world.ways[role.name][name]
        assert outcome.asking.caller.kind in way.kinds and not way.is_closed


def _with_times(entry: CallerEntry, now: datetime) -> CallerEntry:
    """`iat` where it says it: as the token has it that is sent."""
    claims = dict(entry.claims)
    if claims.get("iat") == "now":
        claims["iat"] = int(now.timestamp())
    return CallerEntry(issuer=entry.issuer, claims=claims) if entry.issuer is not None else entry


def _send(world: World, described: Described) -> tuple[int, str | None]:
    """The same request through the app: status, and the code of an error."""
    caller, address = described.caller, described.address or ""
    if caller.arn is not None:
        identity = signed(caller.arn, _principal_id(caller.arn)) | {"sourceIp": address}
        headers, path = {"Content-Type": "application/json"}, "/v1/iam/credentials"
    else:
        identity = unsigned(source_ip=address)
        token = world.token(caller) if caller.token is not None else _jwt(described)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        path = "/v1/credentials"
    if described.format == "container":
        fields = {name: getattr(described, name) for name in ("duration", "reason", "tags", "policy")}
        query = {
            name: str(value)
            for name, value in fields.items()
            if value is not None and (value != {} or name == "policy")
        }
        query |= {f"params.{name}": value for name, value in described.params.items()}
        answer = world.app.call("GET", path, identity=identity, headers=headers, query=query, role=described.role)
        return answer.status, _code(answer.body)
    names = ("role", "duration", "reason", "tags", "params", "policy")
    body = {name: getattr(described, name) for name in names if getattr(described, name) is not None}
    form = None if described.format is None else {"format": described.format}
    answer = world.app.call("POST", path, json.dumps(body), identity=identity, headers=headers, query=form)
    return answer.status, _code(answer.body)


def _jwt(described: Described) -> str:
    now = int(described.time.timestamp())
    claims = honest_claims(iat=now, exp=now + 600)
    del claims["sub"], claims["nbf"]
    return sign(claims | dict(described.caller.claims), KEY)


def _principal_id(arn: str) -> str:
    account, resource = arn.split(":", 5)[4:]
    kind, _, rest = resource.partition("/")
    return {
        "assumed-role": f"AROAEXAMPLE:{rest.partition('/')[2]}",
        "federated-user": f"{account}:{rest}",
    }.get(kind, "AIDAEXAMPLE")


def _code(body: dict[str, object]) -> str | None:
    return str(body["Code"]) if "Code" in body else None


def _same_session(record: dict[str, object], plan: dict[str, object]) -> None:
    assert record["session_name"] == plan["session_name"]
    assert record["duration"] == plan["duration"]
    assert record.get("source_identity") == plan["source_identity"]
    assert record.get("session_policy") == plan["policy"]
    tags = dict(plan["tags"])  # type: ignore[call-overload]
    recorded = record["session_tags"]
    assert isinstance(recorded, dict)
    for found in (tags, recorded):
        found.pop("credvend:request", None)
    assert recorded == tags


def _is_explained(world: World, outcome: Outcome) -> None:
    """Each condition by itself says the same as the policy as a whole did."""
    explanation = explain(world.written, world.book, outcome)
    assert answer(outcome)
    decided = outcome.decided
    assert decided is not None and (decided.role is None or list(reasons(explanation)))
    assert {policy.name for policy in explanation.deciding} == set(decided.decision.policies)
    assert all(policy.applies for policy in explanation.deciding)
    if not decided.decision.allowed and not decided.decision.policies and not explanation.errors:
        assert not any(policy.applies for policy in explanation.permits)
        assert all(policy.failed for policy in explanation.permits)
