"""Where https URLs of AWS's world are on this machine: what DNS would say."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

# In the directory of a local AWS: hosts that tests have made up, as /etc/hosts has them, and where each one is.
HOSTS_FILE: Final = "hosts.json"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
_API: Final = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)", re.ASCII)
_LOOPBACK: Final = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}", re.ASCII)


def local_address(url: str, port: int, hosts: Mapping[str, object]) -> str | None:
    """Where an https URL is on this machine; None: nowhere.

    Args:
        port: of the local AWS, where its APIs are.
        hosts: origins on loopback, such as `http://127.0.0.1:8080`, by host.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.query or parts.fragment:
        return None
    api = _API.fullmatch(parts.netloc)
    if api is not None:
        return f"http://127.0.0.1:{port}/_aws/execute-api/{api[1]}{parts.path}"
    origin = hosts.get(parts.netloc)
    # Nothing but loopback is asked, whatever the file says.
    return f"{origin}{parts.path}" if isinstance(origin, str) and _LOOPBACK.fullmatch(origin) else None


def read_hosts(directory: Path) -> Mapping[str, object]:
    """The hosts that were made up for the local AWS that runs in this directory."""
    try:
        parsed = json.loads((directory / HOSTS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
