"""Which names of roles can stand on a command line."""

import re

# None is taken for an option, or split or expanded by a shell.
PLAIN_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
