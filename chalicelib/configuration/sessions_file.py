"""How is account kept of sessions? The optional `config/sessions.yaml`, checked whole before it is deployed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.configuration.entry_problems import duplicates, field_message, label
from chalicelib.configuration.json_schema import json_schema
from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.errors import ConfigError
from chalicelib.quotas.quota import LARGEST_LIVE, MOST_COUNTS, Quota
from chalicelib.roles.role import Role
from chalicelib.text.durations import PATTERN, seconds_of
from chalicelib.text.likeness import did_you_mean, nearest

_LONGEST_KEPT: Final = 10 * 365 * 86_400
_LONGEST_SHARED: Final = 5
_LARGEST: Final = 1_000_000

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]
Limit = Annotated[int, Meta(ge=1, le=_LARGEST)]
# 90 alone would be seconds, and is meant as days.
Duration = Annotated[str, Meta(pattern=rf"(?=.*[dhms]){PATTERN}")]


class QuotaEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A quota, as an adopter writes it."""

    name: Annotated[Name, Meta(description="Told to callers who are over it.")]
    kind: Annotated[str | None, Meta(description="Of caller: IamUser, IamRole, OidcSubject, ServiceToken, ...")] = None
    issuer: Annotated[str | None, Meta(description="Its name in issuers.yaml.")] = None
    group: Annotated[str | None, Meta(description="Of the issuer, as it names the group.")] = None
    role: Annotated[str | None, Meta(description="Its name in roles.yaml.")] = None
    role_group: Annotated[str | None, Meta(description="A group of roles.yaml.")] = None
    per_minute: Annotated[Limit | None, Meta(description="Vends a minute, for each caller.")] = None
    per_day: Annotated[Limit | None, Meta(description="Vends a day (UTC), for each caller.")] = None
    live: Annotated[
        Annotated[int, Meta(ge=1, le=LARGEST_LIVE)] | None, Meta(description="Live sessions at once, for each caller.")
    ] = None
    per: Annotated[
        Literal["caller", "principal"],
        Meta(description="Who has a count of its own: each caller, or each IAM role whatever its session is called."),
    ] = "caller"


class SessionsFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole of sessions.yaml."""

    ledger: Annotated[bool, Meta(description="false: no table is written; no quotas, blocks and revocations.")] = True
    keep: Annotated[Duration, Meta(description="How long the ledger keeps a session after its end.")] = "90d"
    share_identical: Annotated[
        Duration, Meta(description="For how long identical requests of one caller share one session: 0s to 5s.")
    ] = "0s"
    operator_role: Annotated[
        Annotated[str, Meta(pattern=r"^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}\Z", max_length=512)] | None,
        Meta(description="Path and name of the role, in each other account, through which revocations are written."),
    ] = None
    quotas: list[QuotaEntry] = []


_PATTERNS: Final = {
    "name": "must be at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit",
    "keep": 'must be a duration with its unit, such as "90d"',
    "share_identical": 'must be a duration with its unit, such as "1s"',
    "operator_role": "must be the path and name of an IAM role, such as credvend/operator, without a `/` before it",
    "per": "must be caller or principal",
}
_DURATIONS: Final = ("keep", "share_identical")
_LIMITS: Final = ("per_minute", "per_day", "live")


def load_session_settings(path: Path, roles: Iterable[Role], issuers: Iterable[str]) -> SessionSettings:
    """Read and check sessions.yaml. Without the file, the ledger is on and there are no quotas.

    Args:
        roles: of the catalog.
        issuers: names of the trusted ones.

    Raises:
        ConfigError: one line for every problem, naming file, quota and field.
    """
    if not path.exists():
        return SessionSettings()
    from chalicelib.configuration.yaml_file import read_settings

    document = dict(read_settings(path, SessionsFile.__struct_fields__))
    # So that what is said of a number is what it lacks, and not that it is none that stands in quotes.
    document |= {key: str(document[key]) for key in _DURATIONS if type(document.get(key)) is int}
    problems: list[str] = []
    entries = document.get("quotas", [])
    file = SessionsFile()
    try:
        file = msgspec.convert({**document, "quotas": []}, SessionsFile, strict=True)
        if not isinstance(entries, list):
            raise ValueError("`quotas` must be a list")
    except (msgspec.ValidationError, ValueError) as error:
        problems.append(f"{path.name}: {field_message(str(error), SessionsFile, _PATTERNS)}")
        entries = entries if isinstance(entries, list) else []
    roles = tuple(roles)
    known = _Known.of(roles, issuers)
    quotas: list[Quota] = []
    for index, entry in enumerate(entries):
        try:
            quota = msgspec.convert(entry, QuotaEntry, strict=True)
        except msgspec.ValidationError as error:
            wrong = [field_message(str(error), QuotaEntry, _PATTERNS)]
        else:
            wrong = list(_problems(quota, known))
            quotas.append(Quota(**msgspec.structs.asdict(quota)))
        problems += [f"{path.name}: quota {label(entry, index)}: {what}" for what in wrong]
    problems += duplicates(path, "quota", entries, ("name",))
    problems += [f"{path.name}: {what}" for what in _problems_with_times(file)]
    problems += [f"{path.name}: {what}" for what in _problems_with_size(quotas, roles, known)]
    if quotas and not file.ledger:
        problems.append(f"{path.name}: there are no quotas without the ledger: take them out, or leave `ledger` on")
    if problems:
        raise ConfigError(problems)
    return SessionSettings(
        ledger=file.ledger,
        keep_seconds=seconds_of(file.keep),
        share_seconds=seconds_of(file.share_identical),
        operator_role=file.operator_role,
        quotas=tuple(quotas),
    )


def sessions_json_schema() -> dict[str, object]:
    """JSON Schema of sessions.yaml, so that editors complete and check it."""
    return json_schema(SessionsFile, "credvend sessions")


class _Known(msgspec.Struct, frozen=True):
    """What a quota may be about.

    Attributes:
        names: by its key.
        groups: by the role that is in them.
    """

    names: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, Collection[str]]

    @classmethod
    def of(cls, roles: Iterable[Role], issuers: Iterable[str]) -> "_Known":
        some = tuple(roles)
        groups = tuple(dict.fromkeys(group for role in some for group in role.groups))
        kinds = tuple(kind.kind for kind in KINDS)
        of_roles = {role.name: role.groups for role in some}
        return cls({"kind": kinds, "issuer": tuple(issuers), "role": tuple(of_roles), "role_group": groups}, of_roles)


def _problems(quota: QuotaEntry, known: _Known) -> Iterator[str]:
    for key, names in known.names.items():
        value = getattr(quota, key)
        if value is not None and value not in names:
            yield f"`{key}` {value!r} is none that there is{did_you_mean(nearest(value, names))}"
    if quota.group is not None and quota.issuer is None:
        yield "`group` is one of an issuer: name it as `issuer`"
    if quota.issuer is not None and quota.kind not in (None, OidcSubject.kind):
        yield f"is about nobody: only callers of kind {OidcSubject.kind} have an issuer"
    in_group = known.groups.get(quota.role or "")
    if quota.role_group is not None and in_group is not None and quota.role_group not in in_group:
        yield f"is about no role: {quota.role} is not in the group {quota.role_group}"
    if all(getattr(quota, limit) is None for limit in _LIMITS):
        yield f"has no limit: set one of {', '.join(_LIMITS)}"


def _problems_with_times(file: SessionsFile) -> Iterator[str]:
    if seconds_of(file.keep) > _LONGEST_KEPT:
        yield "`keep` must be at most 3650d"
    if seconds_of(file.share_identical) > _LONGEST_SHARED:
        yield f"`share_identical` must be at most {_LONGEST_SHARED}s"


def _problems_with_size(quotas: Sequence[Quota], roles: Iterable[Role], known: _Known) -> Iterator[str]:
    """More than a vend's transaction has room for would refuse each vend, and only once it is deployed."""
    if sum(quota.counts for quota in quotas) <= MOST_COUNTS:
        return
    callers: list[tuple[str, str | None]] = [(kind, None) for kind in known.names["kind"]]
    callers += [(OidcSubject.kind, issuer) for issuer in known.names["issuer"]]
    for role in roles:
        most = max(
            sum(
                quota.counts
                for quota in quotas
                if quota.role in (None, role.name)
                and quota.role_group in (None, *role.groups)
                and quota.kind in (None, kind)
                and quota.issuer in (None, issuer)
            )
            for kind, issuer in callers
        )
        if most > MOST_COUNTS:
            yield f"a vend of role {role.name} may take from {most} counts at once, of {MOST_COUNTS} at most"
            return
