"""Which forms are there? In the order in which we choose among those that a client accepts as gladly."""

from typing import Final

from chalicelib.wire.formats.fish import FISH
from chalicelib.wire.formats.format import Format
from chalicelib.wire.formats.ini_profile import INI_PROFILE
from chalicelib.wire.formats.json_object import JSON_OBJECT
from chalicelib.wire.formats.posix_shell import POSIX_SHELL
from chalicelib.wire.formats.powershell import POWERSHELL
from chalicelib.wire.formats.process import PROCESS

FORMATS: Final = (JSON_OBJECT, PROCESS, POSIX_SHELL, FISH, POWERSHELL, INI_PROFILE)
BY_MEDIA_TYPE: Final[dict[str, Format]] = {media_type: form for form in FORMATS for media_type in form.accepted}
