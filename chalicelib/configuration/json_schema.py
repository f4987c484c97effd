"""The JSON Schemas of configuration files, so that editors complete and check them."""

import json

import msgspec


def json_schema(file: type[msgspec.Struct], title: str) -> dict[str, object]:
    """The JSON Schema of a file, made from the type of its content."""
    # In the regular expressions of JSON Schema (ECMA-262), the end of the text is `$` and `\Z` does not exist.
    schema: dict[str, object] = json.loads(json.dumps(msgspec.json.schema(file)).replace(r"\\Z", "$"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | schema
