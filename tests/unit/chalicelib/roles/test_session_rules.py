"""What the catalog says of a role's sessions: each rule that a role can break, and what its operator is told."""

import re
from pathlib import Path

import pytest

from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.configuration.catalog_file import load_catalog
from chalicelib.configuration.session_rules_entry import SessionRulesEntry
from chalicelib.errors import ConfigError, InvalidRequest
from chalicelib.roles.guards import Bounds
from chalicelib.roles.role import Role
from chalicelib.roles.session_rules import Param, fits, read_session_rules
from chalicelib.sessions.asked import CallerPolicy, VendRequest
from chalicelib.sessions.plan import SessionPlan, plan_session

ROLE = """
roles:
  - name: data
    arn: arn:aws:iam::111122223333:role/data
"""
POLICY = """
    policy:
      Version: 2012-10-17
      Statement: [{Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::b/${claims.tenant}/${params.area}/*"}]
    params: {area: {pattern: "[a-z]+"}}
"""
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SUBJECT = OidcSubject("local", "carol", claims=(("tenant", "acme"), ("team", "red")))


def load(tmp_path: Path, more: str) -> Role:
    (tmp_path / "roles.yaml").write_text(ROLE + more)
    return load_catalog(tmp_path / "roles.yaml").roles[0]


def problem(tmp_path: Path, more: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, more)
    (line,) = raised.value.problems
    return re.sub(r"roles\.yaml: role 'data' \(line [0-9]+\): ", "", line)


def plan(role: Role, caller: OidcSubject = SUBJECT, **asked: object) -> SessionPlan:
    return plan_session(caller, VendRequest(role="data", **asked), role, "request-1")  # type: ignore[arg-type]


def refusal(role: Role, caller: OidcSubject = SUBJECT, **asked: object) -> str:
    with pytest.raises(InvalidRequest) as raised:
        plan(role, caller, **asked)
    return raised.value.message


def test_a_role_without_a_shape_has_an_empty_one(tmp_path: Path) -> None:
    rules = load(tmp_path, "").session_rules
    assert rules == read_session_rules(SessionRulesEntry())
    assert not rules.scoped and not rules.bounds and rules.policy is None


def test_a_role_is_scoped_by_a_policy_or_by_arns(tmp_path: Path) -> None:
    assert load(tmp_path, POLICY).session_rules.scoped
    assert load(tmp_path, f"    policy_arns: [{READ_ONLY}]").session_rules.scoped
    assert not load(tmp_path, "    tags: {a: b}\n    caller_tags: [c]").session_rules.scoped


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("    policy: {Version: 2012-10-17, Statement: []}", "`policy` Statement must be a statement, or a list"),
        ("    policy: {Version: 2008-10-17, Statement: [{Effect: Deny, Action: '*', Resource: '*'}]}", "`policy` Ver"),
        ("    policy: {}", "`policy` Statement must be"),
        ("    policy: [a]", "`policy` must be a policy document, written out in YAML"),
        ("    policy:", "`policy` must be a policy document, written out in YAML"),
        ("    policy: '{}'", "`policy` must be a policy document, written out in YAML"),
        (POLICY.replace("Allow", "Deny"), "`policy` holds no Allow, so that the role's sessions could do nothing"),
        (POLICY.replace("s3:*", "GetObject"), "`policy` Statement[0].Action 'GetObject' must be `*`, or like"),
        (POLICY.replace("${claims.tenant}", "${tenant}"), "`policy` Statement[0].Resource: ${tenant} is neither"),
        (POLICY.replace("Effect: Allow", "Effect: Allow, Condition: {StringEqual: {'s3:prefix': '${claims.tenant}'}}"),
         "`policy` Statement[0].Condition.StringEqual is no operator that IAM knows; did you mean StringEquals?"),
        (POLICY.replace("Action:", "Actions:"), "must not have an element 'Actions': did you mean Action?"),
        (POLICY.replace("[{Effect: Allow", "[{Effect: Allow, Action: '*', Resource: '*'}, {Effect: Deny"),
         "`policy` Statement[1].Resource: callers choose ${params.area}, so a Deny of it"),
        (POLICY.replace("b/", "b" * 2000), "characters more than the 2048 that STS takes"),
        (POLICY.replace("area}", "are}"), "${params.are} is used, and not declared in `params`"),
        (POLICY.replace("params: {", "params: {more: {pattern: a}, "), "`params.more` is declared, and used by"),
        (POLICY.replace("{pattern", "{default: A, pattern"), "`params.area.default` does not match the pattern"),
        (POLICY.replace("{pattern", "{default: '', pattern"), "`params.area.default` does not match the pattern"),
        (POLICY.replace("[a-z]+", "["), "`params.area.pattern` is no regular expression: unterminated character set"),
        (POLICY.replace("[a-z]+", "(?u)a"), "`params.area.pattern` is no regular expression: ASCII and UNICODE flags"),
        (POLICY.replace("[a-z]+", "a{99999999999}"), "`params.area.pattern` is no regular expression"),
        (POLICY.replace("[a-z]+", "(" * 500), "`params.area.pattern` is no regular expression"),
        (POLICY.replace('"[a-z]+"', '""'), "`params.area`: `pattern` must not be empty"),
        (POLICY.replace('{pattern: "[a-z]+"}', "a"), "`params.area` must be written {pattern: ...}"),
        (POLICY.replace("{pattern", "{defualt: a, pattern"), "an unknown field `defualt`: did you mean `default`?"),
        (POLICY.replace("{pattern", "{default: 1, pattern"), "`params.area`: `default` must be a text"),
        (
            POLICY.replace('{pattern: "[a-z]+"', '{default: a/b, pattern: "[a-z/]+"'),
            "`params.area.default` may not hold `/` there: look at `separators`",
        ),
        ("    tags: {a: 1}", "`tags.a` must be a text: quote it"),
        ("    tags: {a: 'aws:b'}", "`tags.a` begins with `aws:`, which is reserved"),
        (POLICY.replace("{area:", "{1area:"), "must have names of at most 64 letters, digits, `_` or `-`"),
        (POLICY + "    claims: {tenant: {pattern: '('}}", "`claims.tenant.pattern` is no regular expression"),
        (POLICY + "    claims: {team: {pattern: a}}", "`claims.team` is declared, and used by neither"),
        (f"    policy_arns: [{READ_ONLY}, {READ_ONLY}]", "`policy_arns` names a policy twice"),
        ("    policy_arns: [ReadOnlyAccess]", "must hold ARNs of managed policies, such as arn:aws:iam::aws:policy/"),
        ("    policy_arns: ['arn:aws:iam::aws:policy/*']", "must hold ARNs of managed policies"),
        ("    policy_arns: ['arn:aws:iam::444455556666:policy/a']", "policies must be AWS's own or of the role's"),
        ("    policy_arns: ['arn:aws-cn:iam::aws:policy/a']", "policies must be AWS's own or of the role's account"),
        ("    policy_arns: [" + ",".join(f"{READ_ONLY}{n}" for n in range(11)) + "]", "`policy_arns`"),
        ("    tags: {a: '*'}", "`tags.a` holds a character that STS does not take"),
        ("    tags: {a: '${tenant}'}", "`tags.a` ${tenant} is not one of ${caller...}, ${claims...} and ${params...}"),
        ("    tags: {a: '${aws:username}'}", "`tags.a` ${aws:username} is not one of"),
        ("    tags: {a: '${params.x}'}", "${params.x} is used, and not declared in `params`"),
        ("    tags: {a: '" + "x" * 257 + "'}", "`tags.a` has 257 characters, and STS takes 256"),
        ("    tags: {'a*': b}", "the tag key 'a*' must be letters, digits, spaces and `_.:/=+-@`"),
        ("    tags: {'aws:x': b}", "the tag key 'aws:x' must not begin with `aws:` or `credvend:`, which are reserved"),
        ("    caller_tags: ['credvend:caller']", "the tag key 'credvend:caller' must not begin with"),
        ("    caller_tags: ['" + "x" * 200 + "']", f"the tag key '{'x' * 40}' must have 1 to 128 characters"),
        ("    tags: {Team: a}\n    caller_tags: [team]", "the tag key 'team' stands twice in `tags` and `caller_tags`"),
        ("    caller_tags: [a, A]", "the tag key 'A' stands twice in `tags` and `caller_tags`; case makes no"),
        ("    caller_tags: [" + ",".join(f"k{n}" for n in range(48)) + "]", "are more than 47, which STS takes"),
        ("    transitive_tags: [a]", "`transitive_tags` names 'a', which no tag of the role has as its key"),
        ("    caller_tags: [A]\n    transitive_tags: [a]", "`transitive_tags` names 'a', which no tag of the role has"),
        ("    caller_tags: [a]\n    transitive_tags: [a, a]", "`transitive_tags` names a key twice"),
        ("    tag_session: false\n    tags: {a: b}", "`caller_tags` and `transitive_tags` need `tag_session: true`"),
        ("    tag_session: false\n    caller_tags: [b]", "need `tag_session: true`"),
        ("    tag_session: false\n    transitive_tags: ['credvend:role']", "need `tag_session: true`"),
    ],
)  # fmt: skip
def test_a_role_that_breaks_a_rule_is_refused_with_the_key(tmp_path: Path, more: str, words: str) -> None:
    assert words in problem(tmp_path, more)


def test_the_shape_that_is_the_longest_loads(tmp_path: Path) -> None:
    keys = ", ".join(f"k{n}" for n in range(47))
    assert (
        len(
            load(
                tmp_path, f"    caller_tags: [{keys}]\n    transitive_tags: ['credvend:role']"
            ).session_rules.caller_tags
        )
        == 47
    )
    arns = ", ".join(f"{READ_ONLY}{n}" for n in range(10))
    assert len(load(tmp_path, f"    policy_arns: [{arns}]").session_rules.policy_arns) == 10


@pytest.mark.parametrize(
    ("pattern", "value", "fit"),
    [
        ("[a-z]+", "abc", True),
        ("[a-z]+", "abc\n", False),
        ("^[a-z]+$", "abc\n", False),
        (".+", "a\nb", False),
        ("(?s).+", "a\nb", False),
        ("(?m)^a$", "b\na", False),
        ("a|ab", "ab", True),
        ("a", "ab", False),
        (".*", "", False),
        (".+", "x" * 256, True),
        (".+", "x" * 257, False),
        (r"\w+", "é", False),
        (r"\d+", "٣", False),
        ("(?i)k", "\u212a", False),
        (".+", "a\u202eb", False),
        (".+", "a\x00b", False),
    ],
)
def test_a_param_fits_if_all_of_it_matches_and_can_be_seen(pattern: str, value: str, fit: bool) -> None:
    assert fits(Param(Bounds(re.compile(pattern, re.ASCII)), None, ""), value) is fit


def test_the_patterns_of_the_catalog_are_of_ascii(tmp_path: Path) -> None:
    role = load(tmp_path, POLICY.replace("[a-z]+", r"\\w+") + "    claims: {tenant: {pattern: '\\w+'}}")
    assert {
        str(placeholder): one.pattern.flags & re.ASCII for placeholder, one in role.session_rules.bounds.items()
    } == {
        "${params.area}": re.ASCII,
        "${claims.tenant}": re.ASCII,
    }


def test_a_policy_is_filled_with_claims_and_params(tmp_path: Path) -> None:
    made = plan(load(tmp_path, POLICY), params={"area": "x"})
    assert made.policy == (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/acme/x/*"}]}'
    )
    assert not made.asked_to_narrow


def test_params_are_checked_and_defaults_stand_in_for_them(tmp_path: Path) -> None:
    role = load(tmp_path, POLICY)
    assert refusal(role) == "Param area is required for role data."
    marked = "Param area must match [a-z]+ for role data, and holds U+200B ZERO WIDTH SPACE (character 2): remove that."
    assert refusal(role, params={"area": "a\u200b"}) == marked
    assert refusal(role, params={"area": "A"}) == "Param area must match [a-z]+ for role data."
    assert refusal(role, params={"area": "a", "b": "c"}) == "Param 'b' is not one of role data: area."
    assert refusal(load(tmp_path, ""), params={"é\n": "c"}) == "Role data takes no params."
    assert '/acme/z/*"' in str(plan(load(tmp_path, POLICY.replace("{pattern", "{default: z, pattern"))).policy)


def test_a_claim_that_is_missing_or_of_another_pattern_is_refused(tmp_path: Path) -> None:
    role = load(tmp_path, POLICY + "    claims: {tenant: {pattern: '[a-z]+'}}")
    assert plan(role, params={"area": "x"}).policy
    nobody = OidcSubject("local", "x")
    assert "${claims.tenant}, which has no value for you" in refusal(role, nobody, params={"area": "x"})
    shouting = OidcSubject("local", "x", claims=(("tenant", "ACME"),))
    assert "which does not match the role's pattern" in refusal(role, shouting, params={"area": "x"})


def test_tags_are_filled_and_callers_add_those_that_the_role_takes(tmp_path: Path) -> None:
    tags = "    tags: {Team: '${claims.team}', Env: test}\n    caller_tags: [Project]\n"
    role = load(tmp_path, f"{tags}    transitive_tags: [Env, Project]")
    made = plan(role, tags={"Project": "x"})
    assert made.tags[3:] == (("Team", "red"), ("Env", "test"), ("Project", "x"))
    assert made.transitive_tags == ("credvend:caller", "credvend:request", "Env", "Project")
    # STS refuses to keep a tag that is not there.
    assert plan(role).transitive_tags == ("credvend:caller", "credvend:request", "Env")


def test_tags_that_the_role_does_not_take_are_refused(tmp_path: Path) -> None:
    role = load(tmp_path, "    tags: {Team: '${claims.team}'}\n    caller_tags: [Project, Cost]")
    words = "is not one that callers may set for role data: Project, Cost."
    for key in ("Team", "project", "credvend:caller", "aws:x", ""):
        assert refusal(role, tags={key: "x"}) == f"Tag {key!r} {words}"
    assert refusal(load(tmp_path, ""), tags={"a": "b"}) == "Callers may set no tags for role data."
    assert refusal(role, tags={"Cost": "a*"}).startswith("The value of tag 'Cost' holds a character that STS does not")
    assert "has 257 characters, and STS takes 256" in refusal(role, tags={"Cost": "x" * 257})
    star = OidcSubject("local", "x", claims=(("team", "*"),))
    assert refusal(role, star).startswith("The value of tag 'Team' holds a character")


def test_two_values_in_one_tag_cannot_be_mistaken_for_two_others(tmp_path: Path) -> None:
    """`red-blue` of team `red-blue` and of team `red`, who chose `blue`, would be the same to every policy."""
    role = load(tmp_path, "    params: {env: {pattern: '.+'}}\n    tags: {scope: '${claims.team}-${params.env}'}")
    assert dict(plan(role, params={"env": "a-b"}).tags)["scope"] == "red-a-b"
    other = OidcSubject("local", "x", claims=(("team", "red-a"),))
    assert "${claims.team}, which may not hold `-` there" in refusal(role, other, params={"env": "b"})


def denials(*statements: dict[str, object], version: str | None = "2012-10-17") -> CallerPolicy:
    document: dict[str, object] = {"Statement": list(statements)} | ({"Version": version} if version else {})
    return CallerPolicy(document, statements)  # type: ignore[arg-type]


DENY: dict[str, object] = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    "more", [POLICY.replace("{pattern", "{default: x, pattern"), f"    policy_arns: [{READ_ONLY}]"]
)
def test_beside_a_scoping_policy_nothing_but_denials_is_taken(tmp_path: Path, more: str) -> None:
    """STS takes the union of session policies, so an Allow of the caller's would widen the session."""
    role = load(tmp_path, more)
    allow = DENY | {"Effect": "Allow"}
    words = (
        'Effect must be "Deny", because role data has a scoping policy of its own, beside which an Allow would widen'
    )
    assert f'Field "policy": Statement[0].{words}' in refusal(role, policy=denials(allow))
    assert f'Field "policy": Statement[1].{words}' in refusal(role, policy=denials(DENY, allow))
    for version in (None, "2008-10-17"):
        message = refusal(role, policy=denials(DENY, version=version))
        assert message == 'Field "policy": Version must be "2012-10-17" for role data.'
    own = plan(role).policy
    narrowed = plan(role, policy=denials(DENY | {"Sid": "A"}, DENY))
    denied = ",".join(['{"Effect":"Deny","Action":"*","Resource":"*"}'] * 2)
    assert narrowed.policy == (
        f"{own[:-2]},{denied}]}}" if own else f'{{"Version":"2012-10-17","Statement":[{denied}]}}'
    )
    assert narrowed.asked_to_narrow


def test_where_there_is_none_a_callers_policy_is_sent_as_it_is(tmp_path: Path) -> None:
    role = load(tmp_path, "")
    allow = DENY | {"Effect": "Allow", "Sid": "A"}
    assert plan(role, policy=denials(allow, version=None)).policy == (
        '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Sid":"A"}]}'
    )
    assert plan(role).policy is None


@pytest.mark.parametrize("more", ["", f"    policy_arns: [{READ_ONLY}]"])
def test_a_policy_that_is_too_long_is_refused_with_by_how_much(tmp_path: Path, more: str) -> None:
    role = load(tmp_path, more)
    room = 2048 - len(str(plan(role, policy=denials(DENY | {"Resource": ""})).policy))
    assert len(str(plan(role, policy=denials(DENY | {"Resource": "x" * room})).policy)) == 2048
    for over in (1, 7):
        message = refusal(role, policy=denials(DENY | {"Resource": "x" * (room + over)}))
        words = f"has {2048 + over} characters without white space, {over} more than the 2048 that STS takes"
        assert words in message
