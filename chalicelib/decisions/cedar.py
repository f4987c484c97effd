"""Cedar's engine, without the part of its library that nothing uses: `from chalicelib.decisions.cedar import cedarpy`.

`cedarpy.pst` is policies as trees of Python objects: dozens of dataclasses that take as long to import as the rest of
Cedar. In its place stands a module that becomes the real one as soon as somebody asks it for anything.
"""

import importlib
import sys
from types import ModuleType
from typing import Final

_NAME: Final = "cedarpy.pst"


class _Placeholder(ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what the import system asks of every module
            raise AttributeError(name)
        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
        return getattr(importlib.import_module(_NAME), name)


if "cedarpy" not in sys.modules:
    sys.modules[_NAME] = _Placeholder(_NAME)

import cedarpy  # noqa: E402

__all__ = ["cedarpy"]
