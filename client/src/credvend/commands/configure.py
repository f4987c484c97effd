"""Set up credvend: where the service is and how to prove who you are. Or write profiles into ~/.aws/config.

Asks what no option says. With --profiles, writes a profile for each role that you may have, shows the change first,
and keeps a backup; `aws --profile NAME` and every AWS SDK then get their credentials from credvend.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from credvend.auth.bearer import is_one_word
from credvend.auth.method import NEXT_STEP
from credvend.auth.registry import AUTO, load_checked_config, load_method, method_names
from credvend.commands.configure_profiles import may_ask, write_profiles
from credvend.disk import secret_store
from credvend.disk.caller_markers import write_marker
from credvend.disk.config_file import Config, save_config
from credvend.errors import UsageError, one_line
from credvend.text.messages import say
from credvend.vending.service import check_service_url


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings = parser.add_argument_group("settings; what is given is not asked, and an empty value forgets one")
    settings.add_argument("--url", help="where the service is: what `make deploy` printed")
    settings.add_argument("--auth", choices=(AUTO, *method_names()), help="how to prove who you are; default: auto")
    settings.add_argument("--region", help="of the service, for SigV4, where its host does not tell")
    settings.add_argument("--profile", metavar="NAME", help="of ~/.aws/config, to sign with")
    settings.add_argument("--ca-bundle", metavar="FILE", help="certificates to trust instead of the system's")
    settings.add_argument("--token-file", metavar="FILE", help="a token in a file")
    settings.add_argument("--token-stdin", action="store_true", help="keep the API token that comes on standard input")
    settings.add_argument("--issuer", metavar="URL", help="the OpenID provider, for `credvend login`")
    settings.add_argument("--client-id", metavar="ID", help="there")
    settings.add_argument("--scopes", help="there, with blanks between them")
    settings.add_argument("--audience", help="of tokens that are asked for")
    profiles = parser.add_argument_group("profiles")
    profiles.add_argument("--profiles", action="store_true", help="write ~/.aws/config")
    profiles.add_argument("--prefix", default="", help="of the profiles' names; default: none, the role's name alone")
    profiles.add_argument("--reason", metavar="TEXT", help="for roles that demand one; they are left out without")
    profiles.add_argument("--yes", action="store_true", help="do not ask")
    profiles.add_argument("--dry-run", action="store_true", help="show the change, and change nothing")
    profiles.add_argument("--remove", action="store_true", help="remove credvend's profiles")


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    if arguments.profiles:
        return write_profiles(arguments, config, environ)
    if arguments.remove or arguments.dry_run or arguments.yes or arguments.prefix or arguments.reason:
        raise UsageError("--prefix, --reason, --yes, --dry-run and --remove are for --profiles.")
    return _configure(arguments, environ)


def _configure(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    # What the file says, without the variables: those are for one shell, and not to be kept.
    kept = {name: value for name, value in environ.items() if not _is_setting(name)}
    config = load_checked_config(kept)
    given = _given(arguments)
    config = replace(config, **given)
    asking = may_ask()
    if asking:
        config = _asked(config, given)
    if not config.url:
        raise UsageError("Where is the service? credvend configure --url URL")
    config = replace(config, url=check_service_url(config.url))
    method = None if config.auth == AUTO else load_method(config.auth)
    for question in method.questions if method else ():
        if question.is_needed and not getattr(config, question.setting):
            raise UsageError(f"{question.text} is missing: give --{question.setting.replace('_', '-')}.")
    for question in method.questions if method else ():
        question.check(getattr(config, question.setting) or "")
    token = _api_token(arguments, asking and method is not None and method.takes_api_token)
    path = save_config(config, environ)
    print(one_line(f"Written: {path}"))
    if token:
        place = secret_store.save(secret_store.name_for("token", config.url), token, environ)
        write_marker(environ, "token", config.url)  # from here on another caller may be seen
        print(one_line(f"The API token is in {place.text}."))
    shadowed = sorted(name for name in environ if _is_setting(name))
    if shadowed:
        say(f"warning: {', '.join(shadowed)} in the environment is stronger than the file.")
    say(f"next: {method.next_step if method else NEXT_STEP}")
    return 0


def _is_setting(name: str) -> bool:
    return name.startswith("CREDVEND_") and name[len("CREDVEND_") :].lower() in Config.__dataclass_fields__


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that options name. An empty one forgets what was there."""
    default = Config()
    given: dict[str, Any] = {}
    names = ("url", "auth", "region", "profile", "ca_bundle", "token_file", "issuer", "client_id", "audience")
    for name in names:
        value = getattr(arguments, name)
        if value is not None:
            given[name] = value.strip() or getattr(default, name)
    if arguments.scopes is not None:
        given["scopes"] = tuple(arguments.scopes.split())
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
        config = replace(config, auth=_ask("Way", config.auth, _check_method))
    for question in () if config.auth == AUTO else load_method(config.auth).questions:
        if question.setting not in given:
            answer = _ask(question.text, getattr(config, question.setting) or "", question.check)
            changed: dict[str, Any] = {question.setting: answer or None}
            config = replace(config, **changed)
    return config


def _check_method(text: str) -> None:
    known = (AUTO, *method_names())
    if text not in known:
        raise UsageError(f"There is no way {text or 'without a name'}: it is one of {', '.join(known)}.")


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


def _api_token(arguments: argparse.Namespace, asking: bool) -> str:
    """The API token to keep; empty for none. It never stands on a command line, where others could read it."""
    if arguments.token_stdin:
        token = sys.stdin.readline().strip()
        if not token:
            raise UsageError("There is no token on standard input.")
    elif asking:
        token = getpass.getpass("API token (empty: keep the one there is): ").strip()
    else:
        return ""
    if token and not is_one_word(token):
        raise UsageError("That is no token: it must be one line of printable characters without blanks.")
    return token
