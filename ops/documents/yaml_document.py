"""YAML and JSON that operators write, read strictly; CloudFormation's short tags are understood in templates."""

import json
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from chalicelib.configuration.yaml_file import StrictLoader, load_yaml, not_utf8, yaml_problem
from chalicelib.errors import ConfigError

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
# Fn::Transform and Fn::ForEach are not among them: they make resources that nobody has looked at.
_FUNCTIONS: Final = (
    *("And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Length"),
    *("Not", "Or", "Select", "Split", "Sub", "ToJsonString"),
)
# These two have no `Fn::` before their long name.
_PLAIN: Final = ("Ref", "Condition")


def read_yaml(path: Path) -> dict[str, object]:
    """The mapping that a YAML file holds; an empty file holds an empty one.

    Raises:
        ConfigError: the file cannot be read, or is of another shape; says where.
    """
    return _read(path, StrictLoader)


class Lines(NamedTuple):
    """Where in a file stands what it holds.

    Attributes:
        root: None of an empty file.
    """

    root: yaml.Node | None

    def place(self, key: str, name: str) -> int | None:
        """The place, in the list below a key, of the entry with that `name`; None: there is none."""
        below = _below(self.root, key)
        entries = below[1].value if below is not None and isinstance(below[1], yaml.SequenceNode) else []
        for place, entry in enumerate(entries):
            own = _below(entry, "name")
            if own is not None and own[1].value == name:
                return place
        return None

    def of(self, *path: str | int) -> int:
        """The line of a value, from 1 on; of what is not there, that of what should hold it.

        Args:
            path: keys and places that lead to it.
        """
        node, line = self.root, 1
        for step in path:
            found = _below(node, step)
            if found is None:
                break
            key, node = found
            line = int(key.start_mark.line) + 1
        return line


def read_yaml_and_lines(path: Path) -> tuple[dict[str, object], Lines]:
    """The same as `read_yaml`, and where it stands.

    Raises:
        ConfigError: the file cannot be read, or is of another shape; says where.
    """
    document = read_yaml(path)
    return document, lines_of(path)


def lines_of(path: Path) -> Lines:
    """Where in a YAML file stands what it holds.

    Raises:
        ConfigError: the file cannot be read, or is not YAML.
    """
    try:
        return Lines(yaml.compose(_text(path), Loader=StrictLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([f"{path.name}: not valid YAML: {yaml_problem(error)}"]) from None


def _below(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """What stands below a node: where it begins, and what it is."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def read_template(path: Path) -> dict[str, object]:
    """The CloudFormation template that a file holds, YAML with short tags or JSON, with its functions written out.

    Raises:
        ConfigError: the file cannot be read, or is of another shape; says where.
    """
    if path.suffix != ".json":
        document = _read(path, _TemplateLoader)
        try:
            json.dumps(document, allow_nan=False)
        except (TypeError, ValueError) as error:  # sets, binary data and the like, which YAML knows
            raise ConfigError([f"{path.name}: holds what JSON does not know: {error}"]) from None
        return document
    try:
        return _mapping(path, json.loads(_text(path), object_pairs_hook=_no_duplicates))
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"{path.name}: not valid JSON: {error}"]) from None


def template_value(text: str) -> object:
    """What a text of YAML with CloudFormation's short tags says.

    Raises:
        yaml.YAMLError, ValueError: it is not valid.
    """
    return load_yaml(text, _TemplateLoader)


def _read(path: Path, loader: type[StrictLoader]) -> dict[str, object]:
    text = _text(path)
    try:
        document = load_yaml(text, loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([f"{path.name}: not valid YAML: {yaml_problem(error)}"]) from None
    return _mapping(path, {} if document is None else document)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path.name}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path.name}: {not_utf8(error)}"]) from None


def _mapping(path: Path, document: object) -> dict[str, object]:
    if not isinstance(document, dict):
        raise ConfigError([f"{path.name}: must hold keys and values"])
    if wrong := [key for key in document if not isinstance(key, str)]:
        raise ConfigError([f"{path.name}: the key {wrong[0]!r} must be a text: quote it"])
    return document


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice in one object"
        )
    return result


class _TemplateLoader(StrictLoader):
    """Writes `!Sub text` as `{"Fn::Sub": text}`, and so on."""


def _function(loader: _TemplateLoader, name: str, node: yaml.Node) -> dict[str, object]:
    if name not in (*_FUNCTIONS, *_PLAIN):
        known = ", ".join(f"!{known}" for known in sorted((*_FUNCTIONS, *_PLAIN)))
        raise yaml.constructor.ConstructorError(None, None, f"unknown tag !{name}; there are {known}", node.start_mark)
    value: object
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in _PLAIN else f"Fn::{name}": value}


_TemplateLoader.add_multi_constructor("!", _function)
