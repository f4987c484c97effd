"""sessions.yaml is checked whole, and each mistake is told with what is meant."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.configuration.session_settings import SessionSettings, compiled_settings, settings_of
from chalicelib.configuration.sessions_file import load_session_settings, sessions_json_schema
from chalicelib.errors import ConfigError
from chalicelib.quotas.quota import Quota
from tests.unit.chalicelib.decisions.test_authorizer import role

WHOLE = """
ledger: true
keep: 30d
share_identical: 2s
operator_role: credvend/operator
quotas:
  - {name: everybody, per_minute: 60, live: 100}
  - {name: ci, kind: OidcSubject, issuer: github, group: deployers, role: reader, per_day: 2000, per: principal}
"""


def load(path: Path, text: str) -> SessionSettings:
    file = path / "sessions.yaml"
    file.write_text(text, encoding="utf-8")
    roles = [role("reader"), role("writer", "writers")]
    return load_session_settings(file, roles, ["github"])


def test_without_the_file_the_ledger_is_on_and_nobody_is_limited(tmp_path: Path) -> None:
    settings = load_session_settings(tmp_path / "sessions.yaml", [], [])
    assert settings == SessionSettings() == load(tmp_path, "") and settings.ledger and settings.quotas == ()
    assert settings.keep_seconds == 90 * 86_400 and settings.share_seconds == 0


def test_it_means_what_it_says_also_when_compiled(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    assert settings == SessionSettings(
        ledger=True,
        keep_seconds=30 * 86_400,
        share_seconds=2,
        operator_role="credvend/operator",
        quotas=(
            Quota("everybody", per_minute=60, live=100),
            Quota("ci", "OidcSubject", "github", "deployers", "reader", per_day=2000, per="principal"),
        ),
    )
    assert settings_of(json.loads(json.dumps(compiled_settings(settings)))) == settings


def test_the_schema_for_editors_knows_every_key() -> None:
    schema = sessions_json_schema()
    parts = schema["$defs"]
    assert isinstance(parts, dict)
    assert parts["SessionsFile"]["properties"].keys() == {*SessionSettings._fields, "keep", "share_identical"} - {
        *("keep_seconds", "share_seconds")
    }
    assert parts["QuotaEntry"]["properties"].keys() == {*Quota._fields}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "must hold keys with values"),
        ("ledgers: true", "unknown key `ledgers`: did you mean `ledger`?"),
        ("ledger: 1", "`ledger` must be true or false, and is a whole number"),
        ("ledger: [", "not valid YAML"),
        ("keep: 90", '`keep` must be a duration with its unit, such as "90d"'),
        ("keep: '90'", '`keep` must be a duration with its unit, such as "90d"'),  # which would be 90 seconds
        ("keep: true", "`keep` must be a text, and is true or false"),
        ("keep: soon", '`keep` must be a duration with its unit, such as "90d"'),
        ("share_identical: 2", '`share_identical` must be a duration with its unit, such as "1s"'),
        ("keep: 3651d", "`keep` must be at most 3650d"),
        ("share_identical: 6s", "`share_identical` must be at most 5s"),
        ("operator_role: /credvend/operator", "`operator_role` must be the path and name of an IAM role"),
        ("operator_role: 'arn:aws:iam::1:role/x'", "`operator_role` must be the path and name of an IAM role"),
        ("quotas: {}", "`quotas` must be a list"),
        ("quotas: [{per_day: 1}]", "quota number 1: lacks the required field `name`"),
        ("quotas: [{name: a}]", "quota 'a': has no limit: set one of per_minute, per_day, live"),
        ("quotas: [{name: a b, per_day: 1}]", "`name` must be at most 64 letters"),
        ("quotas: [{name: a, per_day: 0}]", "`per_day` must be at least 1"),
        ("quotas: [{name: a, live: 1001}]", "`live` must be at most 1000"),
        ("quotas: [{name: a, per_day: 1, kind: OidcSubjct}]", "did you mean OidcSubject?"),
        (
            "quotas: [{name: a, per_day: 1, issuer: githb}]",
            "`issuer` 'githb' is none that there is; did you mean",
        ),
        ("quotas: [{name: a, per_day: 1, role: readr}]", "`role` 'readr' is none that there is; did you mean reader?"),
        ("quotas: [{name: a, per_day: 1, group: x}]", "`group` is one of an issuer: name it as `issuer`"),
        ("quotas: [{name: a, per_day: 1, per: team}]", "`per` must be caller or principal"),
        ("quotas: [{name: a, per_day: 1, kind: IamUser, issuer: github}]", "is about nobody: only callers of kind"),
        (
            "quotas: [{name: a, per_day: 1, role: reader, role_group: writers}]",
            "is about no role: reader is not in the group writers",
        ),
        ("quotas: [{name: a, per_day: 1}, {name: a, live: 1}]", "`name` a is that of quota number 1 too"),
        ("ledger: false\nquotas: [{name: a, live: 1}]", "there are no quotas without the ledger"),
    ],
)
def test_a_mistake_is_told_with_what_is_meant(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert told in str(refused.value) and all(line.startswith("sessions.yaml: ") for line in refused.value.problems)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, "keep: soon\nquotas: [{name: a}, {name: b, per_day: 1, role: nobody}]")
    assert len(refused.value.problems) == 3


def many(count: int, more: str) -> str:
    return "quotas:\n" + "".join(f"  - {{name: q{number}, {more}}}\n" for number in range(count))


@pytest.mark.parametrize(
    ("count", "more", "counts"),
    [
        (33, "per_minute: 1, per_day: 1, live: 1", 99),
        (98, "per_day: 1", 98),
        (98, "per_day: 1, role: reader", 98),
        (98, "per_day: 1, issuer: github", 98),
        (97, "per_day: 1", None),
        (98, "per_day: 1, role: other", None),
    ],
)
def test_a_vend_takes_from_no_more_counts_than_a_transaction_writes(
    tmp_path: Path, count: int, more: str, counts: int | None
) -> None:
    file = tmp_path / "sessions.yaml"
    file.write_text(many(count, more), encoding="utf-8")
    roles = [role("reader")] if "other" not in more else [replace(role("reader"), name="x"), role("other")]
    if "other" in more:
        file.write_text(many(49, more) + many(49, "per_day: 1, role: x").partition("\n")[2].replace("q", "r"))
    if counts is None:
        assert load_session_settings(file, roles, ["github"]).quotas
        return
    with pytest.raises(ConfigError) as raised:
        load_session_settings(file, roles, ["github"])
    told = f"sessions.yaml: a vend of role reader may take from {counts} counts at once, of 97 at most"
    assert str(raised.value).splitlines()[-1] == told


def test_quotas_of_different_callers_do_not_add_up(tmp_path: Path) -> None:
    text = many(60, "per_day: 1, kind: IamUser") + many(60, "per_day: 1, issuer: github").partition("\n")[2].replace(
        "name: q", "name: r"
    )
    assert len(load(tmp_path, text).quotas) == 120
