"""Which region a command works in: one rule for all of them."""

import sys
from collections.abc import Mapping
from typing import Final

from ops.errors import CommandFailed
from ops.processes.run import run

# botocore reads its process's environment alone, and this may be another's. It does not know AWS_REGION.
_OF_THE_PROFILE: Final = """
import sys, botocore.session
from botocore.exceptions import BotoCoreError
try:
    print(botocore.session.Session().get_config_variable("region") or "")
except BotoCoreError as error:
    sys.exit(str(error))
"""


def find_region(environment: Mapping[str, str]) -> str:
    """The region of an environment: `AWS_REGION`, `AWS_DEFAULT_REGION`, or what the profile says.

    Raises:
        CommandFailed: none of them says one.
    """
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if environment.get(variable):
            return environment[variable]
    # Set and empty, it would be a region without a name.
    rest = {name: value for name, value in environment.items() if name != "AWS_DEFAULT_REGION"}
    done = run([sys.executable, "-c", _OF_THE_PROFILE], environment=rest)
    if not done.stdout.strip():
        why = done.stderr.strip()
        raise CommandFailed("No region: set AWS_REGION, or `region` in your AWS profile." + (f"\n{why}" if why else ""))
    return done.stdout.strip()
