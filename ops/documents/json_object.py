"""A JSON object, as documents and answers hold it."""

Json = dict[str, object]
