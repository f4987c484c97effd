"""The revoker with a DynamoDB in memory, an IAM that is none, and a stream that brings again what failed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from chalicelib.aws.table import Table
from chalicelib.ended_sessions import EndedSessions
from chalicelib.ledger.reading import LedgerReader
from chalicelib.revocation import requests
from chalicelib.revocation.iam import NotWritten, PolicyFull, characters
from chalicelib.revocation.items import RevocationTable
from chalicelib.revocation.policy import MAXIMUM_CHARACTERS, POLICY_NAME
from chalicelib.revocation.requests import Asked, Item
from chalicelib.revocation.revocation import Revocation, Room
from chalicelib.revocation.revoker import RevocationEvent, Revoker
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from testing.clock import Clock
from testing.dynamodb.credvend_tables import QUOTAS, REVOCATIONS, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of
from testing.iam_policy import Json
from tests.unit.chalicelib.decisions.test_authorizer import role
from tests.unit.chalicelib.revocation.revoked import HOUR, NOW, Session, request_id

FUNCTION_ARN = "arn:aws:lambda:eu-west-1:111122223333:function:credvend-prod-revoker"
INVOCATION = "11111111-0000-4000-8000-000000000000"
CHAINED = "arn:aws:iam::999988887777:role/chained"
READER = replace(role("reader"), chains_to=(CHAINED,))
PROBED = replace(role("probed"), probe="ec2:DescribeInstances")
PLAIN = role("plain")


class Killed(BaseException):
    """Lambda has ended the process."""


@dataclass
class Context:
    """Of an invocation that has time."""

    aws_request_id: str = INVOCATION
    invoked_function_arn: str = FUNCTION_ARN
    milliseconds: int = 300_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class FakeIam:
    """Inline policies by role ARN and name.

    Attributes:
        failures: instead of the next writes.
        counts_more: characters that it counts and nobody else does.
        before_put: happens before the next write of ours takes effect.
    """

    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    counts_more: int = 0
    before_put: list[Callable[[], object]] = field(default_factory=list)
    written: int = 0
    step: Callable[[], None] = lambda: None

    def room(self, role_arn: str) -> int:
        others = {name: text for name, text in self.policies.get(role_arn, {}).items() if name != POLICY_NAME}
        return MAXIMUM_CHARACTERS - sum(map(characters, others.values()))

    def put(self, role_arn: str, document: str) -> None:
        if self.before_put:
            self.before_put.pop(0)()
        if self.failures:
            raise self.failures.pop(0)
        if len(document) + self.counts_more > self.room(role_arn):
            raise PolicyFull
        self.policies.setdefault(role_arn, {})[POLICY_NAME] = document
        self.written += 1
        self.step()

    def delete(self, role_arn: str) -> None:
        self.policies.get(role_arn, {}).pop(POLICY_NAME, None)
        self.step()

    def current(self, role_arn: str) -> Json | None:
        text = self.policies.get(role_arn, {}).get(POLICY_NAME)
        return None if text is None else cast(Json, json.loads(text))


@dataclass
class FakeSessions:
    """Sessions that ask: let in or not as the role's policy says, or as the script does.

    Attributes:
        answers: to the next that ask; then as the policy says.
        may_probe: whether the role's own policies allow it.
    """

    iam: FakeIam
    answers: list[bool | Exception] = field(default_factory=list)
    may_probe: bool = True
    opened: list[str] = field(default_factory=list)

    def open(self, role: Role, request_id: str) -> Callable[[], bool]:
        self.opened.append(request_id)

        def is_let_in() -> bool:
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            document = self.iam.current(role.arn)
            denied = document is not None and Session(request_id, issued=NOW + HOUR).is_denied(document)
            return self.may_probe and not denied if answer is None else answer

        return is_let_in


@dataclass
class SteppingTable(RevocationTable):
    """Says when it has done something."""

    def __init__(self, table: Table, sessions: Table, step: Callable[[], None]) -> None:
        super().__init__(table, sessions)
        self._step = step

    def of_role(self, role_arn: str) -> list[Revocation]:
        found = super().of_role(role_arn)
        self._step()
        return found

    def set_written(self, one: Revocation, moment: int, room: Room) -> bool:
        done = super().set_written(one, moment, room)
        self._step()
        return done

    def set_told(self, one: Revocation, told: str) -> bool:
        done = super().set_told(one, told)
        self._step()
        return done

    def set_in_force(self, one: Revocation, moment: int) -> bool:
        done = super().set_in_force(one, moment)
        self._step()
        return done


class World:
    """All of it."""

    def __init__(self) -> None:
        self.clock = Clock(NOW)
        self.database = Database(REVOCATIONS, SESSIONS, QUOTAS, clock=self.clock)
        client = client_of(self.database)
        self.table, self.sessions_table = Table(REVOCATIONS.name, client), Table(SESSIONS.name, client)
        self.iam = FakeIam(step=self._step)
        self.sessions = FakeSessions(self.iam)
        self.records: list[tuple[str, dict[str, object]]] = []
        self.context = Context()
        # How many more steps there are until the process is ended; None: it goes on.
        self.steps_left: int | None = None
        self._brought = 0
        self.revoker = Revoker(
            SteppingTable(self.table, self.sessions_table, self._step),
            lambda function_arn, request_id: self.iam,
            lambda request_id: self.sessions,
            EndedSessions(LedgerReader(client, SESSIONS.name), Table(QUOTAS.name, client)),
            self,
            Catalog((READER, PROBED, PLAIN)),
            self.clock,
        )

    def write(self, event: RevocationEvent, fields: dict[str, object]) -> None:
        """A record, as the audit log takes it."""
        json.dumps(fields)
        self.records.append((event, {name: value for name, value in fields.items() if value is not None}))
        self._step()

    def _step(self) -> None:
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                self.steps_left = None
                raise Killed

    def ask(self, item: Item) -> None:
        """Ask for a revocation, as commands and the API do."""
        requests.ask(self.table, item)

    def new_changes(self) -> list[Json]:
        """What the stream has to bring since the last look, as Lambda is given it."""
        changes = self.database.changes(REVOCATIONS.name)
        found: list[Json] = []
        for number, change in enumerate(changes[self._brought :], start=self._brought):
            item = change.new or change.old
            assert item is not None
            images = {"NewImage": change.new, "OldImage": change.old}
            kind = "REMOVE" if change.new is None else "INSERT" if change.old is None else "MODIFY"
            keys = {name: item[name] for name in ("role_arn", "id")}
            images = {name: image for name, image in images.items() if image is not None}
            found.append({"eventName": kind, "dynamodb": {"Keys": keys, "SequenceNumber": f"{number:021}", **images}})
        self._brought = len(changes)
        return found

    def bring(self, records: Sequence[Json]) -> list[str]:
        """Invoke the function with a batch: the numbers of what is to be brought again."""
        answer = self.revoker.handle({"Records": records}, self.context)
        return [one["itemIdentifier"] for one in cast(list[dict[str, str]], answer["batchItemFailures"])]

    def run(self, most: int = 20) -> None:
        """Bring what there is until nothing comes any more; what failed comes again, and all after it."""
        waiting: list[Json] = []
        for _ in range(most):
            waiting += self.new_changes()
            if not waiting:
                return
            try:
                again = self.bring(waiting)
            except Killed:
                continue  # the whole batch comes again
            first = min(again, default=None)
            waiting = [one for one in waiting if first is not None and number_of(one) >= first]
        raise AssertionError(f"it never ends: {waiting}")

    def item(self, id: str, role_arn: str = READER.arn) -> Mapping[str, dict[str, object]]:
        """An item of the table of revocations."""
        found = self.database.item(REVOCATIONS.name, role_arn, id)
        assert found is not None
        return cast(Mapping[str, dict[str, object]], found)

    def policy(self, role_arn: str = READER.arn) -> Json:
        """Ours, as it stands."""
        found = self.iam.current(role_arn)
        assert found is not None
        return found

    def events(self) -> list[str]:
        return [event for event, _ in self.records]


def number_of(record: Json) -> str:
    return str(cast(Json, record["dynamodb"])["SequenceNumber"])


def asked(role_arn: str = READER.arn, at: int = NOW, until: int = NOW + HOUR, chained: bool = False) -> Asked:
    return Asked(role_arn, at * 1000, until, "arn:aws:iam::111122223333:user/operator", "ticket 7", chained)


def session(number: int = 1, role_arn: str = READER.arn, **more: int | bool) -> Item:
    """To end the session of that number."""
    return requests.session_item(asked(role_arn, **more), request_id(number))  # type: ignore[arg-type]


def denied(problem: str = "no", *, passes: bool = False) -> NotWritten:
    return NotWritten(problem, "access_denied", passes=passes)
