"""An answer that is for everybody: the only kind that may be cached on its way."""

from collections.abc import Mapping
from typing import Final, NamedTuple

# A key is published so much longer before it signs, and after: ops/signing/rotation.py.
CACHED_SECONDS: Final = 300


class PublicDocument(NamedTuple):
    """A JSON object that nobody has to prove anything for."""

    content: Mapping[str, object]
