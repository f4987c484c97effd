"""CloudFormation of the adopter's own, `CONFIG/template.yaml` or `template.json`, added to credvend's template.

It adds, and replaces nothing: what would change who gets credentials, or what is recorded of it, is refused. That keeps
mistakes out, and what credvend promises true after an update. It does not keep out whoever may deploy: they may do
anything, so changes of this file are reviewed as changes of code are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from chalicelib.errors import ConfigError
from ops.documents.json_object import Json
from ops.documents.yaml_document import read_template
from ops.template.overlay_rules import SECTIONS, problems

TEMPLATE_FILES: Final = ("template.yaml", "template.json")


@dataclass(frozen=True, slots=True)
class Overlay:
    """What an adopter adds.

    Attributes:
        file: name of the file, for messages.
        content: the template in it; empty where there is no file.
    """

    file: str
    content: Json


def read_overlay(config: Path) -> Overlay:
    """What the template in a configuration directory adds.

    Raises:
        ConfigError: it cannot be read, or there are two.
    """
    found = [name for name in TEMPLATE_FILES if (config / name).exists()]
    if len(found) > 1:
        raise ConfigError([f"there are {' and '.join(found)}: put all into one of them"])
    if not found:
        return Overlay(TEMPLATE_FILES[0], {})
    return Overlay(found[0], read_template(config / found[0]))


def merge_overlay(template: Json, overlay: Overlay) -> None:
    """Add it to a template, in place.

    Raises:
        ConfigError: one line for each thing that it may not do, with what to do instead.
    """
    found = list(problems(template, overlay.content))
    if found:
        raise ConfigError([f"{overlay.file}: {problem}" for problem in found])
    for section in SECTIONS:
        added = cast(Json, overlay.content.get(section, {}))
        if added:
            _add(cast(Json, template.setdefault(section, {})), added)


def _add(target: Json, added: Json) -> None:
    """Add what is not there. Where it is there, go into mappings, append to lists, and set the rest: it was checked."""
    for key, value in added.items():
        there = target.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            _add(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            there.extend(value)
        else:
            target[key] = value
