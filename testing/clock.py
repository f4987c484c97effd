"""Time for tests."""


class Clock:
    """Time that passes when it is told to. Seconds since 1970."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
