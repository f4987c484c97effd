"""The Pythons and platforms for which everything must be installable."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

Platform = Literal["linux", "darwin"]

OLDEST: Final = (3, 11)
_NEWEST: Final = (3, 14)
# The newest glibc that a wheel may ask for: Amazon Linux 2023's, which Lambda's Python 3.12 and newer run on.
# https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
_GLIBC: Final = 34
# Older names of platforms, of PEP 513, 571 and 599, that wheels still carry.
_OLD_NAMES: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_MACOS: Final = (15, 0)


@dataclass(frozen=True, slots=True)
class Machine:
    """A Python on a platform, for which everything must be installable."""

    python: tuple[int, int]
    platform: Platform
    architecture: str

    def __str__(self) -> str:
        return f"Python {self.python[0]}.{self.python[1]} on {self.platform} {self.architecture}"

    def tags(self) -> frozenset[Tag]:
        """Those of which a wheel must have one (PEP 425)."""
        platforms = list(self._platforms())
        exact = cpython_tags(self.python, platforms=platforms)
        return frozenset(exact) | frozenset(compatible_tags(self.python, platforms=platforms))

    def environment(self) -> dict[str, str]:
        """What markers are decided by (PEP 508)."""
        version = f"{self.python[0]}.{self.python[1]}"
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "os_name": "posix",
            "platform_machine": self.architecture,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": self._system(),
            "platform_version": "",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": self.platform,
        }

    def _system(self) -> str:
        match self.platform:
            case "linux":
                return "Linux"
            case "darwin":
                return "Darwin"
            case never:
                assert_never(never)

    def _platforms(self) -> Iterator[str]:
        match self.platform:
            case "linux":
                for minor in range(_GLIBC, 4, -1):
                    yield f"manylinux_2_{minor}_{self.architecture}"
                    if minor in _OLD_NAMES:
                        yield f"{_OLD_NAMES[minor]}_{self.architecture}"
            case "darwin":
                yield from mac_platforms(_MACOS, self.architecture)
            case never:
                assert_never(never)


# No Macs with Intel processors: cryptography has no wheels for them any more.
_PLATFORMS: Final[tuple[tuple[Platform, str], ...]] = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
MACHINES: Final = tuple(
    Machine((OLDEST[0], minor), platform, architecture)
    for minor in range(OLDEST[1], _NEWEST[1] + 1)
    for platform, architecture in _PLATFORMS
)
