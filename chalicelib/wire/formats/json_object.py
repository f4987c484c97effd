"""`json`: the object that `aws sts assume-role` prints, which rendering.py makes."""

from typing import Final

from chalicelib.wire.formats.format import JSON, Format

JSON_OBJECT: Final = Format("json", JSON, (JSON,), evaluated=False, write=None)
