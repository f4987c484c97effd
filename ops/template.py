"""What Chalice's template lacks, put into it when it is made."""

import json
from pathlib import Path

from chalicelib.catalog import WrittenCatalog
from ops.invoke_permissions import narrow
from ops.role_policies import spread


def complete_template(path: Path, catalog: WrittenCatalog) -> None:
    """Change the template in its file.

    Raises:
        ConfigError: the catalog does not fit into the policies of the function's role.
    """
    template = json.loads(path.read_text(encoding="utf-8"))
    spread(template, catalog)
    narrow(template)
    path.write_text(json.dumps(template, indent=2) + "\n", encoding="utf-8")
