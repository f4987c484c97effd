"""The operating system's keyring, in memory."""

from __future__ import annotations


class Ring:
    """A keyring's backend, as far as it is used: what an operating system's would do, in memory."""

    name = "Ring of the test"
    priority = 5.0

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False
        self.forgetful = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise RuntimeError("locked: the-secret")
        return self.kept.get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise RuntimeError("locked: the-secret")
        if not self.forgetful:
            self.kept[f"{service}/{username}"] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.locked:
            raise RuntimeError("locked: the-secret")
        del self.kept[f"{service}/{username}"]
