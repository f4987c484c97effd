"""What the template of a deployment will hold, as far as it is known before Chalice is asked, which takes long."""

import json
from pathlib import Path
from typing import Final, cast

from ops.documents.json_object import Json
from ops.stages.names import (
    API,
    DOCTOR,
    DOCTOR_LOG_GROUP,
    FUNCTION,
    FUNCTION_ROLE,
    LOG_GROUP,
    REVOKER,
    REVOKER_LOG_GROUP,
    REVOKER_ROLE,
)

# What Chalice makes, and credvend's own template adds to.
_MADE: Final = {
    **dict.fromkeys((FUNCTION, REVOKER, DOCTOR), "AWS::Serverless::Function"),
    **dict.fromkeys((FUNCTION_ROLE, REVOKER_ROLE), "AWS::IAM::Role"),
    **dict.fromkeys((LOG_GROUP, REVOKER_LOG_GROUP, DOCTOR_LOG_GROUP), "AWS::Logs::LogGroup"),
    API: "AWS::Serverless::Api",
}


def template_to_be(root: Path) -> Json | None:
    """The resources of credvend's own; None where this is no checkout, which has the template.

    How long the stage keeps its logs is not told: packaging holds a template of one's own against it.
    """
    path = root / ".chalice/template.json"
    if not path.exists():
        return None
    template = cast(Json, json.loads(path.read_text(encoding="utf-8")))
    resources = cast(dict[str, Json], template["Resources"])
    for name, kind in _MADE.items():
        resources[name]["Type"] = kind
    for name in (LOG_GROUP, REVOKER_LOG_GROUP, DOCTOR_LOG_GROUP):
        cast(Json, resources[name]["Properties"])["RetentionInDays"] = 1
    return template
