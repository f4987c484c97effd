"""The ways to authenticate that there are: the modules of `methods`. Only the one that is used is imported."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from credvend import lean
from credvend.auth import methods
from credvend.auth.method import Authenticator, Method
from credvend.disk.config_file import Config, load_config, settings_of
from credvend.errors import UsageError

# Instead of a name: what is found is taken.
AUTO = "auto"


def method_names() -> tuple[str, ...]:
    """All names, in the order in which `lean` looks for them; then those that must be named, for it knows them not."""
    import pkgutil  # slow to import, and most commands know the method that they want

    found = {module.name.replace("_", "-") for module in pkgutil.iter_modules(methods.__path__)}
    return (*lean.AUTH_METHODS, *sorted(found.difference(lean.AUTH_METHODS)))


def load_method(name: str) -> Method:
    """A method by its name.

    Raises:
        UsageError: there is none.
    """
    _check(name)
    found: Method = importlib.import_module(f"{methods.__name__}.{name.replace('-', '_')}").METHOD
    return found


def load_checked_config(environ: Mapping[str, str]) -> Config:
    """The configuration, as `load_config` has it, if there is the method that it names.

    Raises:
        UsageError: it is malformed, or there is no such method.
    """
    config = load_config(environ)
    if config.auth != AUTO:
        _check(config.auth)
    return config


def _check(name: str) -> None:
    # Most are known without a look at the directory.
    if name not in lean.AUTH_METHODS and name not in method_names():
        known = ", ".join((AUTO, *method_names()))
        raise UsageError(f"There is no way to authenticate called {name}: auth is one of {known}.")


def method_in_use(config: Config, environ: Mapping[str, str]) -> str:
    """The name of the method that is configured, or of the one that is found."""
    return lean.chosen_auth_method(settings_of(config), environ)


def authenticator(config: Config, environ: Mapping[str, str]) -> Authenticator:
    """The authenticator of the method that is configured, or found."""
    return load_method(method_in_use(config, environ)).authenticator(config, environ)
