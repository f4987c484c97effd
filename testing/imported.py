"""What a program has imported, and what it has not."""

from collections.abc import Collection, Iterable
from importlib.util import find_spec


def assert_not_imported(needless: Iterable[str], loaded: Collection[str]) -> None:
    """None of these modules was loaded. Each of ours exists: what nothing is called proves nothing."""
    for name in needless:
        assert not name.startswith("chalicelib") or find_spec(name), f"there is no module {name}"
        assert name not in loaded
