"""The doctor starts under Lambda's own runtime client, from the same package, and tells verdicts there."""

import json
import time
from typing import cast

from ops.documents.json_object import Json
from testing.runtime import environment
from testing.sts_server import REQUEST_ID, SECRET, TOKEN, Refusal
from tests.runtime.conftest import World

DENIED = Refusal("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: y")


def test_it_lists_roles_asks_about_them_and_hands_nothing_out(world: World) -> None:
    def roles(answer: Json) -> list[Json]:
        return cast(list[Json], answer["Roles"])

    with environment(world.tree, world.variables, handler="app.examine_roles") as doctor:
        doctor.send({"List": 0}, time.time() + 120)
        _, listed = doctor.result()
        world.sts.refusals = [DENIED, DENIED]
        doctor.send({"Examine": ["reader"]}, time.time() + 120)
        _, refused = doctor.result()
        doctor.send({"Examine": ["reader"]}, time.time() + 120)
        path, granted = doctor.result()
        records = doctor.records()
    assert path.endswith("/response") and {"reader", "external"} <= {one["Role"] for one in roles(listed)}
    (first,) = roles(refused)
    assert (first["Granted"], first["Lacks"]) == (False, [{"What": "assume_role", "Cause": "not_trusted"}])
    assert roles(granted)[0]["Granted"] is True
    assert [one["event"] for one in records] == ["examination.requested", "role.examined"] * 2
    assert records[-1]["sts_request_ids"] == [REQUEST_ID] and records[-1]["service"] == "credvend.audit"
    for secret in (SECRET, TOKEN, "ASIAEXAMPLE"):
        assert secret not in json.dumps([listed, refused, granted, records])
