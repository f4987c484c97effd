"""Does the service heed a block? As far as the directory tells that was deployed."""

from pathlib import Path

from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.configuration.yaml_file import read_settings
from chalicelib.errors import ConfigError


def unheeded(config: Path) -> str | None:
    """Why no vend asks for blocks, or None; a directory that cannot be read keeps nobody from blocking."""
    file = config / "sessions.yaml"
    try:
        is_on = read_settings(file, (*SessionSettings._fields, "keep", "share_identical")).get("ledger", True)
    except ConfigError:
        return None
    if is_on is not False:
        return None
    return (
        f"{file} says `ledger: false`: a service that was deployed with it asks for no blocks, and vends as before. "
        "Deploy it with the ledger on, or take its name out of the roles' trust policies."
    )
