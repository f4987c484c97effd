"""The first key of credvend's tokens stays of its kind: KMS changes no key, and CloudFormation refuses to.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html (KeySpec)
"""

import json
from pathlib import Path
from typing import cast

from ops.documents.json_object import Json, json_text
from ops.documents.yaml_document import template_value
from ops.stages.names import SIGNING_KEY
from ops.terminal.say import say


def keep_kind_of_key(template: Path, deployed: Path) -> None:
    """Put the kind of the deployed key into the template in a file, in place, where that has another one.

    Args:
        deployed: a file with the template that the stack was last deployed with.
    """
    new = cast(Json, json.loads(template.read_text(encoding="utf-8")))
    old = cast(Json, template_value(deployed.read_text(encoding="utf-8")))
    meant, is_there = _key(new), _key(old)
    if meant is None or is_there is None or meant["KeySpec"] == is_there["KeySpec"]:
        return
    say(
        f"The key that signs credvend's tokens stays as it is ({is_there['KeySpec']}) until "
        f"`credvend-admin keys rotate` puts one of {meant['KeySpec']} in its place."
    )
    meant["KeySpec"] = is_there["KeySpec"]
    template.write_text(json_text(new), encoding="utf-8")


def _key(template: Json) -> Json | None:
    """The key's properties, or None: the template has none."""
    resource = cast(dict[str, Json], template.get("Resources") or {}).get(SIGNING_KEY)
    return None if resource is None else cast(Json, resource["Properties"])
