"""An answer over HTTP, wherever a test got it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

Json = dict[str, object]


@dataclass(frozen=True)
class HttpAnswer:
    """An answer whose text is JSON, or a script."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Json:
        return cast(Json, json.loads(self.text))
