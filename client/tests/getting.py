"""A GET, whose pauses are taken note of instead of waited for."""

from __future__ import annotations

from credvend.disk.config_file import Config
from credvend.net.request import Request, Response
from credvend.net.send import send

CONFIG = Config(connect_timeout=2, read_timeout=2)


class Pauses:
    """Takes the place of sleeping."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def get(url: str, pauses: Pauses | None = None, config: Config = CONFIG, **headers: str) -> Response:
    return send(Request("GET", url, headers), config, {}, sleep=pauses or Pauses(), jitter=lambda: 0.5)
