"""What Chalice's template lacks, put into it when it is made."""

import json
from pathlib import Path

from chalicelib.configuration.catalog_file import WrittenCatalog
from ops.documents.json_object import json_text
from ops.stages.stage_file import StageFile
from ops.template.invoke_permissions import narrow
from ops.template.overlay import Overlay, merge_overlay
from ops.template.role_policies import spread
from ops.template.signing import add_signing
from ops.template.stage_template import apply_stage_file, bound_roles


def complete_template(path: Path, catalog: WrittenCatalog, stage_file: StageFile, overlay: Overlay) -> None:
    """Change the template in its file.

    Args:
        stage_file: what the adopter says of the stage.
        overlay: what the adopter adds; it comes last, so that it is held against all that is credvend's.

    Raises:
        ConfigError: the catalog does not fit into the policies of the function's role, or what the adopter says or adds
            is refused.
    """
    template = json.loads(path.read_text(encoding="utf-8"))
    apply_stage_file(template, stage_file)
    add_signing(template, catalog, stage_file.signing)
    spread(template, catalog)
    narrow(template)
    merge_overlay(template, overlay)
    bound_roles(template, stage_file.permissions_boundary)
    path.write_text(json_text(template), encoding="utf-8")
