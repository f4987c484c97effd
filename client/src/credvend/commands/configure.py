"""Set up credvend: where the service is and how to prove who you are. Or write profiles into ~/.aws/config.

Asks what no option says. With --profiles, writes a profile for each role that you may have, shows the change first,
and keeps a backup; `aws --profile NAME` and every AWS SDK then get their credentials from credvend.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import click

from credvend import lean
from credvend.auth.bearer import is_one_word
from credvend.auth.method import NEXT_STEP
from credvend.auth.registry import AUTO, load_checked_config, load_method, method_names
from credvend.commands.configure_profiles import Wanted, write_profiles
from credvend.commands.told import Told, is_told
from credvend.disk import secret_store
from credvend.disk.caller_markers import write_marker
from credvend.disk.config_file import CACHES, Config, save_config, without_settings
from credvend.errors import UsageError, one_line
from credvend.text.messages import for_service, may_ask, say
from credvend.vending.service import check_service_url


@click.command(help=__doc__, epilog="What is given is not asked, and an empty value forgets a setting.")
@click.option("--url", help="where the service is: what `make deploy` printed")
@click.option("--auth", type=click.Choice([AUTO, *method_names()]), help="how to prove who you are; default: auto")
@click.option(
    "--region", help="of the service, for SigV4, where its host does not tell; with --profiles, of all of these"
)
@click.option("--profile", metavar="NAME", help="of ~/.aws/config, to sign with")
@click.option("--ca-bundle", metavar="FILE", type=click.Path(), help="certificates to trust instead of the system's")
@click.option("--token-file", metavar="FILE", type=click.Path(), help="a token in a file")
@click.option("--token-stdin", is_flag=True, help="keep the API token that comes on standard input")
@click.option("--issuer", metavar="URL", help="the OpenID provider, for `credvend login`")
@click.option("--client-id", metavar="ID", help="there")
@click.option("--scopes", help="there, with blanks between them")
@click.option("--audience", help="of tokens that are asked for")
@click.option("--favourites", metavar="ROLES", help="shown first where you pick a role, with blanks between them")
@click.option("--cache", type=click.Choice(CACHES), help="where vended credentials are kept; default: file")
@click.option("--profiles", is_flag=True, help="write ~/.aws/config")
@click.option("--prefix", help="of the profiles' names; default: none, or the name of a named service and -")
@click.option("--reason", metavar="TEXT", help="for roles that demand one; they are left out without")
@click.option("--yes", is_flag=True, help="with --profiles: do not ask")
@click.option("--dry-run", is_flag=True, help="with --profiles: show the change, and change nothing")
@click.option("--remove", is_flag=True, help="remove credvend's profiles")
@is_told
def command(
    told: Told,
    profiles: bool,
    prefix: str | None,
    reason: str | None,
    yes: bool,
    dry_run: bool,
    remove: bool,
    token_stdin: bool,
    **settings: str | None,
) -> int:
    if profiles:
        return write_profiles(Wanted(prefix, settings["region"] or None, reason, yes, dry_run, remove), *told)
    if remove or dry_run or yes or prefix or reason:
        raise UsageError("--prefix, --reason, --yes, --dry-run and --remove are for --profiles.")
    return _configure(settings, token_stdin, told.environ)


def _configure(settings: Mapping[str, str | None], token_stdin: bool, environ: Mapping[str, str]) -> int:
    # What the file says, without the variables: those are for one shell, and not to be kept.
    config = load_checked_config(without_settings(environ))
    given = _given(settings)
    config = replace(config, **given)
    asking = may_ask()
    if asking:
        config = _asked(config, given)
    if not config.url:
        raise UsageError("Where is the service? credvend configure --url URL")
    config = replace(config, url=check_service_url(config.url))
    method = None if config.auth == AUTO else load_method(config.auth)
    for question in method.questions if method else ():
        answer = getattr(config, question.setting) or ""
        if question.is_needed and not answer:
            raise UsageError(f"{question.text} is missing: give --{question.setting.replace('_', '-')}.")
        question.check(answer)
    token = _api_token(token_stdin, asking and method is not None and method.takes_api_token)
    path = save_config(config, environ)
    print(one_line(f"Written: {path}"))
    if token:
        place = secret_store.save(secret_store.name_for("token", config.url), token, environ)
        write_marker(environ, "token", config.url)  # from here on another caller may be seen
        print(one_line(f"The API token is in {place.text}."))
    service = environ.get(lean.SERVICE, "")
    variables = {f"CREDVEND_{name.upper()}" for name in lean.set_by_variables(service)}
    shadowed = sorted(variables.intersection(environ))
    if shadowed:
        say(f"warning: {', '.join(shadowed)} in the environment is stronger than the file.")
    step = method.next_step if method else NEXT_STEP
    say(f"next: {for_service(step, service)}")
    return 0


def _given(settings: Mapping[str, str | None]) -> dict[str, Any]:
    """The settings that options name. An empty one forgets what was there."""
    default = Config()
    given: dict[str, Any] = {}
    for name, value in settings.items():
        if value is not None:
            before = getattr(default, name)
            given[name] = tuple(value.split()) if isinstance(before, tuple) else value.strip() or before
    return given


def _asked(config: Config, given: Mapping[str, Any]) -> Config:
    """The configuration with what the person says to the questions that no option has answered."""
    if "url" not in given:
        config = replace(config, url=_ask("URL of the service", config.url, check_service_url))
    if "auth" not in given:
        print("Ways to prove who you are:", file=sys.stderr)
        summaries = {AUTO: "whatever is found, in this order"}
        summaries.update((name, load_method(name).summary) for name in method_names())
        for name, what in summaries.items():
            print(f"  {name:11} {what}", file=sys.stderr)
        config = replace(config, auth=_ask("Way", config.auth, lambda auth: auth == AUTO or load_method(auth)))
    for question in () if config.auth == AUTO else load_method(config.auth).questions:
        if question.setting not in given:
            answer = _ask(question.text, getattr(config, question.setting) or "", question.check)
            changed: dict[str, Any] = {question.setting: answer or None}
            config = replace(config, **changed)
    return config


def _ask(question: str, default: str, check: Callable[[str], object]) -> str:
    """One line of the person, or what is there already for an empty one; again until it passes the check."""
    while True:
        sys.stderr.write(f"{question}{f' [{one_line(default)}]' if default else ''}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise UsageError("There is no answer; nothing is written.")
        answer = line.strip() or default
        try:
            check(answer)
            return answer
        except UsageError as error:
            print(error.message, file=sys.stderr)


def _api_token(token_stdin: bool, asking: bool) -> str:
    """The API token to keep; empty for none. It never stands on a command line, where others could read it."""
    if token_stdin:
        token = sys.stdin.readline().strip("\ufeff \t\r\n")  # Windows puts a byte order mark there
        if not token:
            raise UsageError("There is no token on standard input.")
    elif asking:
        token = getpass.getpass("API token (empty: keep the one there is): ").strip()
    else:
        return ""
    if token and not is_one_word(token):
        raise UsageError("That is no token: it must be one line of printable characters without blanks.")
    return token
