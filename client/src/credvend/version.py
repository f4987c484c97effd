"""The client's version: the only place of it but pyproject.toml, which a test compares."""

__version__ = "0.1.0"
