"""Set up credvend: where the service is and how to prove who you are. Or write profiles into ~/.aws/config.

Asks what no option says. With --profiles, writes a profile for each role that you may have, shows the change first,
and keeps a backup; `aws --profile NAME` and every AWS SDK then get their credentials from credvend.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from credvend.auth.registry import authenticator, way
from credvend.commands.vend_arguments import PLAIN_ROLE
from credvend.disk import aws_config_file, secret_store
from credvend.disk.aws_config_file import Profile
from credvend.disk.caller_markers import write_marker
from credvend.disk.config_file import WAYS, Config, load_config, save_config
from credvend.errors import UsageError, one_line
from credvend.net.send import check_url
from credvend.text.messages import say
from credvend.vending.service import Json, Service, check_service_url

_WAYS = {
    "auto": "whatever is found, in this order",
    "token": "an API token, kept in the keyring or a file",
    "token-file": "a token in a file that something else renews",
    "github": "GitHub Actions",
    "gitlab": "GitLab CI",
    "kubernetes": "a pod's projected service account token",
    "login": "signing in at an OpenID provider",
    "sigv4": "AWS credentials",
}
# What each way needs to know, besides the URL: the setting, the question, whether an answer must be given.
_QUESTIONS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "token-file": (("token_file", "Token file", True),),
    "login": (
        ("issuer", "Issuer (the OpenID provider's URL)", True),
        ("client_id", "Client id", True),
        ("audience", "Audience of the tokens (empty: the provider's default)", False),
    ),
    "sigv4": (("profile", "AWS profile to sign with (empty: as AWS SDKs find it)", False),),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings = parser.add_argument_group("settings; what is given is not asked, and an empty value forgets one")
    settings.add_argument("--url", help="where the service is: what `make deploy` printed")
    settings.add_argument("--auth", choices=WAYS, help="how to prove who you are; default: auto")
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
        return _write_profiles(arguments, config, environ)
    if arguments.remove or arguments.dry_run or arguments.yes or arguments.prefix or arguments.reason:
        raise UsageError("--prefix, --reason, --yes, --dry-run and --remove are for --profiles.")
    return _configure(arguments, environ)


def _configure(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    # What the file says, without the variables: those are for one shell, and not to be kept.
    kept = {name: value for name, value in environ.items() if not _is_setting(name)}
    config = load_config(kept)
    given = _given(arguments)
    config = replace(config, **given)
    asking = _may_ask()
    if asking:
        config = _asked(config, given)
    if not config.url:
        raise UsageError("Where is the service? credvend configure --url URL")
    config = replace(config, url=check_service_url(config.url))
    for name, what, needed in _QUESTIONS.get(config.auth, ()):
        if needed and not getattr(config, name):
            raise UsageError(f"{what} is missing: give --{name.replace('_', '-')}.")
    if config.auth == "login":
        _check_issuer(config.issuer or "")
    token = _api_token(arguments, config, asking)
    path = save_config(config, environ)
    print(one_line(f"Written: {path}"))
    if token:
        place = secret_store.save(f"token {config.url}", token, environ)
        write_marker(environ, "token", config.url)  # from here on another caller may be seen
        print(one_line(f"The API token is in {place.text}."))
    shadowed = sorted(name for name in environ if _is_setting(name))
    if shadowed:
        say(f"warning: {', '.join(shadowed)} in the environment is stronger than the file.")
    say("next: `credvend login`" if config.auth == "login" else "next: `credvend whoami`, to try it")
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


def _may_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _asked(config: Config, given: Mapping[str, Any]) -> Config:
    """The configuration with what the person says to the questions that no option has answered."""
    if "url" not in given:
        config = replace(config, url=_ask("URL of the service", config.url, check_service_url))
    if "auth" not in given:
        print("Ways to prove who you are:", file=sys.stderr)
        for name, what in _WAYS.items():
            print(f"  {name:11} {what}", file=sys.stderr)
        config = replace(config, auth=_ask("Way", config.auth, _check_way))
    for name, question, needed in _QUESTIONS.get(config.auth, ()):
        if name not in given:
            check = _check_issuer if name == "issuer" else _check_answer if needed else str
            answer = _ask(question, getattr(config, name) or "", check)
            changed: dict[str, Any] = {name: answer or None}
            config = replace(config, **changed)
    return config


def _check_way(text: str) -> None:
    if text not in WAYS:
        raise UsageError(f"There is no way {text or 'without a name'}: it is one of {', '.join(WAYS)}.")


def _check_issuer(text: str) -> None:
    check_url(text, "https://login.example.com")


def _check_answer(text: str) -> None:
    if not text:
        raise UsageError("An answer is needed here.")


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


def _api_token(arguments: argparse.Namespace, config: Config, asking: bool) -> str:
    """The API token to keep; empty for none. It never stands on a command line, where others could read it."""
    if arguments.token_stdin:
        token = sys.stdin.readline().strip()
        if not token:
            raise UsageError("There is no token on standard input.")
    elif asking and config.auth == "token":
        token = getpass.getpass("API token (empty: keep the one there is): ").strip()
    else:
        return ""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("That is no token: it must be one line of printable characters without blanks.")
    return token


def _write_profiles(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    if arguments.prefix and not aws_config_file.may_begin(arguments.prefix):
        raise UsageError("--prefix must begin with a letter or digit, and hold only those and . _ - + , @ and %.")
    path = aws_config_file.config_file(environ)
    old = aws_config_file.read(path)
    profiles: list[Profile] = []
    if not arguments.remove:
        keys = aws_config_file.credentials_file(environ)
        taken = dict.fromkeys(aws_config_file.names_with_keys(aws_config_file.read(keys) or b""), keys)
        taken.update((name, path) for name in aws_config_file.names_outside(old or b""))
        roles = Service(config, authenticator(config, environ), environ).roles()
        profiles = _profiles(roles, taken, arguments.prefix, arguments.reason, _program(environ))
    if profiles and way(config, environ) == "sigv4" and not config.profile:
        say(
            "warning: AWS_PROFILE set to one of these will not work, for credvend would sign with what it is asked "
            "for: name the profile to sign with, `credvend configure --auth sigv4 --profile NAME`."
        )
    new = aws_config_file.with_profiles(old or b"", profiles)
    if new == (old or b""):
        print(f"{path} needs no change.")
        return 0
    print(aws_config_file.difference(path, old or b"", new), flush=True)
    if arguments.dry_run:
        return 0
    if not arguments.yes and not _confirmed(path):
        return UsageError.exit_code
    backup = aws_config_file.write(path, old, new)
    say(f"written: {path}{f'; what was there is in {backup}' if backup else ''}")
    return 0


def _profiles(
    roles: Sequence[Json], taken: Mapping[str, str], prefix: str, reason: str | None, program: str
) -> list[Profile]:
    """What is to be written, and what is not is said.

    Args:
        taken: the profiles of others, and in which file they are.
    """
    profiles = []
    for role in sorted(roles, key=lambda each: str(each["Role"])):
        name = str(role["Role"])
        profile = prefix + name
        if not PLAIN_ROLE.fullmatch(name):
            say(f"left out: {name}; a profile's command line takes only letters, digits, _, . and -, no - first.")
        elif profile in taken:
            say(f"left out: {name}; {taken[profile]} has a profile {profile}, which is not credvend's: try --prefix.")
        elif profile == "default":
            say(f"left out: {name}; everything that names no profile would get that role: try --prefix.")
        elif role.get("ReasonRequired") and not reason:
            say(f"left out: {name}; it demands a reason: give --reason, or use `credvend exec`.")
        elif any(param.get("Required", True) for param in role.get("Params", [])):
            say(f"left out: {name}; it needs a parameter: use `credvend exec {name} --param NAME=VALUE`.")
        else:
            words = [program, "process", name]
            if role.get("ReasonRequired") and reason:
                words += ["--reason", reason]
            profiles.append(Profile(profile, words))
    return profiles


def _program(environ: Mapping[str, str]) -> str:
    """Where credvend is: an SDK may run with another PATH."""
    started = os.path.abspath(sys.argv[0])
    if os.path.basename(started) == "credvend" and os.access(started, os.X_OK) and os.path.isfile(started):
        return started
    beside = os.path.join(os.path.dirname(sys.executable), "credvend")
    if os.access(beside, os.X_OK):
        return beside
    return shutil.which("credvend", path=environ.get("PATH")) or "credvend"


def _confirmed(path: str) -> bool:
    if not _may_ask():
        raise UsageError(f"Nothing is written. To write {path} without being asked, say --yes.")
    sys.stderr.write(f"Write {path}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    say("nothing is written")
    return False
