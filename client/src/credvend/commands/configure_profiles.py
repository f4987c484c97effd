"""Profiles for `~/.aws/config`, one for each role that you may have: what `credvend configure --profiles` does."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from credvend import lean
from credvend.auth.registry import method_in_use
from credvend.commands.plain_role import PLAIN_ROLE
from credvend.disk import aws_config_file
from credvend.disk.config_file import Config
from credvend.errors import UsageError
from credvend.text import aws_profiles
from credvend.text.aws_config import problem
from credvend.text.aws_profiles import Profile
from credvend.text.aws_regions import check_region
from credvend.text.messages import agrees, may_ask, say
from credvend.vending.service import Json, service_of


class Wanted(NamedTuple):
    """What `credvend configure --profiles` was told."""

    prefix: str | None
    region: str | None
    reason: str | None
    yes: bool
    dry_run: bool
    remove: bool


def write_profiles(wanted: Wanted, config: Config, environ: Mapping[str, str]) -> int:
    """Show the change, ask, and write; the exit code.

    Raises:
        CredvendError: the roles cannot be had, or the file cannot be written.
    """
    service = environ.get(lean.SERVICE, "")
    # Two services may have roles of the same name.
    if wanted.prefix is None:
        wanted = wanted._replace(prefix=service and f"{service}-")
    if wanted.prefix and not aws_profiles.may_begin(wanted.prefix):
        raise UsageError("--prefix must begin with a letter or digit, and hold only those and . _ - + , @ and %.")
    if wanted.region is not None:
        check_region(wanted.region)
    path = lean.aws_config_path(environ)
    old = aws_config_file.read(path)
    profiles: list[Profile] = []
    if not wanted.remove:
        keys = lean.aws_credentials_path(environ)
        taken = dict.fromkeys(aws_profiles.names_with_keys(aws_config_file.read(keys) or b""), keys)
        taken.update((name, path) for name in aws_profiles.names_outside(old or b"", service))
        roles = service_of(config, environ).roles()
        inside = aws_profiles.regions_inside(old or b"", service)
        regions = _Regions(inside, aws_config_file.region_of(environ, config.profile))
        profiles = _profiles(roles, taken, wanted, regions, environ)
    if profiles and method_in_use(config, environ) == "sigv4" and not config.profile:
        say(
            "warning: AWS_PROFILE set to one of these will not work, for credvend would sign with what it is asked "
            "for: name the profile to sign with, `credvend configure --auth sigv4 --profile NAME`."
        )
    new = aws_profiles.with_profiles(old or b"", profiles, service)
    wrong = problem(new)
    if wrong is not None:
        raise UsageError(f"Nothing is written, for no aws command could read {path}: {wrong}. Repair that first.")
    if new == (old or b""):
        print(f"{path} needs no change.")
        return 0
    print(aws_profiles.difference(path, old or b"", new), flush=True)
    if wanted.dry_run:
        return 0
    if not wanted.yes and not _confirmed(path):
        return UsageError.exit_code
    backup = aws_config_file.write(path, old, new)
    say(f"written: {path}{f'; what was there is in {backup}' if backup else ''}")
    return 0


class _Regions(NamedTuple):
    """Where the region of a profile comes from, unless --region tells it.

    Attributes:
        known: what the profiles have already.
        usual: of the environment, or of the profile that people have.
    """

    known: Mapping[str, str]
    usual: str | None


def _profiles(
    roles: Sequence[Json], taken: Mapping[str, str], wanted: Wanted, regions: _Regions, environ: Mapping[str, str]
) -> list[Profile]:
    """What is to be written, and what is not is said.

    Args:
        taken: the profiles of others, and in which file they are.
    """
    service = environ.get(lean.SERVICE, "")
    program = [_program(environ), "process", *(["--service", service] if service else [])]
    profiles = []
    for role in sorted(roles, key=lambda each: str(each["Role"])):
        name = str(role["Role"])
        profile = f"{wanted.prefix}{name}"
        if not PLAIN_ROLE.fullmatch(name):
            say(f"left out: {name}; a profile's command line takes only letters, digits, _, . and -, no - first.")
        elif profile in taken:
            say(f"left out: {name}; {taken[profile]} has a profile {profile}, which is not credvend's: try --prefix.")
        elif profile == "default":
            say(f"left out: {name}; everything that names no profile would get that role: try --prefix.")
        elif role.get("ReasonRequired") and not wanted.reason:
            say(f"left out: {name}; it demands a reason: give --reason, or use `credvend exec`.")
        elif any(param.get("Required", True) for param in role.get("Params", [])):
            say(f"left out: {name}; it needs a parameter: use `credvend exec {name} --param NAME=VALUE`.")
        else:
            words = [*program, name]
            if role.get("ReasonRequired") and wanted.reason:
                words += ["--reason", wanted.reason]
            profiles.append(Profile(profile, words, _region(profile, role.get("RoleArn"), wanted.region, regions)))
    if any(profile.region is None for profile in profiles):
        say("warning: profiles without a region are of no use to most commands; --region REGION gives them one.")
    return profiles


def _region(profile: str, role_arn: object, told: str | None, regions: _Regions) -> str | None:
    """The region for a profile, if there is one in which its role is worth something."""
    known = regions.known.get(profile)
    region = told or known or regions.usual
    if region is None or region == known:
        return region
    try:
        check_region(region, role_arn if isinstance(role_arn, str) else None)
        return region
    except UsageError as error:
        say(f"warning: {profile} gets no region. {error.message}")
        return None


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
    if not may_ask():
        raise UsageError(f"Nothing is written. To write {path} without being asked, say --yes.")
    if agrees(f"Write {path}?", by_default=False):
        return True
    say("nothing is written")
    return False
