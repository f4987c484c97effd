"""End a session before its time: whoever has its keys can do nothing more with them.

Without an id, you pick one of those that live. It waits until AWS was told, and forgets what is cached.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import click
from click.shell_completion import CompletionItem

from credvend.commands.picker import choose
from credvend.commands.told import Told, is_told
from credvend.disk.credentials_cache import Cache
from credvend.errors import CredvendError, ServiceError, UsageError
from credvend.own_session import own_role
from credvend.text import messages
from credvend.text.json_object import json_object
from credvend.text.tables import duration
from credvend.vending.service import Service, service_of
from credvend.vending.sessions import Session, names_of, parse_session

# Seconds between two looks at how far it is, and for all of them: AWS is told within some seconds.
_BETWEEN = 1.0
_LONGEST_WAIT = 45.0
# Seconds for which it is looked for whether AWS denies it, once it was told; not every role can be tried.
_PROOF_WAIT = 8.0
# As many as the service lists at once.
_MOST = 1000


def _complete_session(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Those that were vended to this computer: whoever presses TAB waits for nobody."""
    found = {}
    for entry in Cache(ctx.obj).entries():
        answer = json_object(entry.answer) or {}
        if entry.expires > time.time() and answer.get("RequestId"):
            found[str(answer["RequestId"])] = str(answer.get("Role") or "")
    return [CompletionItem(name, help=role) for name, role in found.items() if name.startswith(incomplete)]


@click.command(help=__doc__)
@click.argument("session", metavar="ID", required=False, shell_complete=_complete_session)
@click.option("--this", "this", is_flag=True, help="the session that this shell has")
@click.option("--all-live", is_flag=True, help="all of yours that live, wherever they are used")
@click.option("--reason", metavar="TEXT", help="why, in one line, for the audit log")
@click.option("--no-wait", is_flag=True, help="do not wait until AWS was told")
@is_told
def command(told: Told, session: str | None, this: bool, all_live: bool, reason: str | None, no_wait: bool) -> int:
    config, environ = told
    if (session is not None) + this + all_live > 1:
        raise UsageError("Name one session, or --this, or --all-live.")
    service = service_of(config, environ)
    if session is not None:
        ids = [session]
    elif this:
        ids = [_of_this_shell(service, environ)]
    else:
        ids = _live(service, all_live)
    failures = list(_revoke_each(service, ids, reason, Cache(environ, config.cache), no_wait))
    if this and not failures:
        messages.say('this shell still has the keys, which are worth nothing: eval "$(credvend unset)"')
    if failures and len(ids) > 1:
        messages.say(f"{len(failures)} of {len(ids)} sessions are not known to have ended")
    return max((failure.exit_code for failure in failures), default=0)


def _revoke_each(
    service: Service, ids: list[str], reason: str | None, cache: Cache, no_wait: bool
) -> Iterator[CredvendError]:
    """All are asked for before one is waited for. Yields what went wrong, which was said."""
    begun = []
    for name in ids:
        try:
            found = service.revoke(name, reason)
        except CredvendError as error:
            messages.say(f"{name}: {error.message}")
            yield error
        else:
            begun.append(found)
            messages.say(f"{found.id}: {found.role} is being revoked; whoever uses it gets AccessDenied")
    try:
        cache.forget([name for each in begun for name in names_of(each)])
    except CredvendError as error:
        messages.say(f"warning: the credentials stay in the cache: {error.message}")
    until = time.monotonic() + _LONGEST_WAIT
    for each in begun:
        try:
            ended = each if no_wait else _waited_for(service, each, until)
            messages.say(f"{each.id}: {_how_far(ended)}")
        except CredvendError as error:
            messages.say(f"{each.id}: {error.message}")
            yield error


def _waited_for(service: Service, session: Session, until: float) -> Session:
    """The session, once AWS was told, and if it can be seen soon, once AWS denies it.

    Raises:
        ServiceError: AWS cannot be told, or that takes long.
    """
    proof_until = None
    while True:
        far = session.revocation
        if far is None or far.in_force is not None:
            return session
        if far.written is not None:
            proof_until = min(until, proof_until or time.monotonic() + _PROOF_WAIT)
        elif far.problem is not None:
            raise ServiceError(f"AWS could not be told: {far.problem} Tell the operators the id; or try again later.")
        if time.monotonic() >= (proof_until or until):
            if far.written is not None:
                return session
            raise ServiceError("it is written down, and AWS was not told yet. `credvend sessions` tells how far it is.")
        with messages.progress("waiting for AWS"):
            time.sleep(_BETWEEN)
            session = service.session(session.id)


def _how_far(session: Session) -> str:
    far = session.revocation
    if far is None or (far.written is None and far.in_force is None):
        return "asked for"
    if far.in_force is not None:
        took = duration(int((far.in_force - far.requested).total_seconds()))
        return f"revoked, and seen to be denied{f' {took} later' if took else ''}"
    return "revoked: AWS denies it everywhere within seconds, and in some minutes at worst"


def _of_this_shell(service: Service, environ: Mapping[str, str]) -> str:
    """The id of the session whose keys this shell has.

    Raises:
        UsageError: it has none of the caller's.
        CredvendError: that cannot be found out.
    """
    key = environ.get("AWS_ACCESS_KEY_ID")
    if not key or own_role(environ) is None:
        raise UsageError("This shell has no credentials that credvend gave it; `credvend sessions --live` lists yours.")
    for told in service.sessions(live=True, limit=_MOST)[0]:
        session = parse_session(told)
        if session.access_key_id == key:
            return session.id
    raise UsageError("The session that this shell has is none of yours that live; `credvend sessions` lists all.")


def _live(service: Service, all_of_them: bool) -> list[str]:
    """All that live, or the one that a person picks.

    Raises:
        UsageError: there is none, nobody is there to ask, or they pick none.
        CredvendError: the sessions cannot be had.
    """
    if not all_of_them and not messages.may_ask():
        raise UsageError("Which session? Name its id, as `credvend sessions --live` lists it; or --all-live.")
    told, left_out = service.sessions(live=True, limit=_MOST)
    # What is being revoked already does not need it.
    sessions = [each for each in map(parse_session, told) if each.state != "revoking"]
    if not sessions and not all_of_them:
        raise UsageError("You have no session that lives and is not being revoked; `credvend sessions` lists all.")
    if not sessions:
        messages.say("you have no session that lives and is not being revoked")
    if left_out:
        messages.say(f"there are {left_out} more, which are older: run it again after this")
    if all_of_them:
        return [each.id for each in sessions]
    return [choose("Session", {each.id: f"{each.role} until {each.expires.astimezone():%H:%M}" for each in sessions})]
