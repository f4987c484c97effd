"""Who may have which role, decided by the deployed policies."""

from testing.deployed import Stack


def without_request_id(stack: Stack, body: object) -> tuple[int, str, dict[str, str]]:
    answer = stack.vend(body)
    request_id = str(answer.body["RequestId"])
    assert request_id
    varying = ("date", "x-amzn-requestid", "x-amz-request-id")
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in varying}
    return answer.status, answer.text.replace(request_id, "..."), headers


def test_an_unknown_role_and_a_forbidden_role_are_the_same_byte_for_byte(stack: Stack) -> None:
    unknown = without_request_id(stack, {"role": "nowhere"})
    assert unknown[0] == 403
    for body in (
        {"role": "forbidden"},
        {"role": "arn:aws:iam::278805249149:role/e2e/forbidden"},
        {"role": "arn:aws:iam::278805249149:role/nowhere"},
        {"role": "forbidden", "duration": "1h"},
        {"role": "forbidden", "dry_run": True},
        {"role": "nowhere", "dry_run": True},
        {"role": "guarded"},
    ):
        assert without_request_id(stack, body) == unknown


def test_a_forbid_beats_a_permit_until_its_condition_is_met(stack: Stack) -> None:
    refused = stack.vend({"role": "guarded"})
    assert refused.status == 403
    assert stack.records(refused)[0]["policies"] == ["guarded-is-closed-without-a-reason"]
    assert stack.vend({"role": "guarded", "reason": "ticket 7"}).status == 200


def test_a_role_may_demand_a_reason(stack: Stack) -> None:
    refused = stack.vend({"role": "reasoned"})
    assert refused.status == 400 and '"reason" is required' in str(refused.body["Message"])
    assert stack.vend({"role": "reasoned", "reason": "ticket 7"}).status == 200


def test_a_policy_may_bind_a_role_to_addresses_and_durations(stack: Stack) -> None:
    # The local API Gateway takes the caller's address from this header; AWS's looks at the connection alone.
    office, home = {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "198.51.100.9"}
    assert stack.vend({"role": "from-office"}, headers=home).status == 403
    assert stack.vend({"role": "from-office"}, headers=office).status == 200
    assert stack.vend({"role": "from-office", "duration": 1201}, headers=office).status == 403


def test_callers_see_the_roles_that_they_may_assume_with_the_longest_duration(stack: Stack) -> None:
    listed = stack.call("GET", "/v1/iam/roles", headers={"X-Forwarded-For": "203.0.113.9"}).body["Roles"]
    assert isinstance(listed, list)
    longest = {role["Role"]: role["MaxDurationSeconds"] for role in listed}
    assert (longest["instances"], longest["brief"], longest["from-office"]) == (3600, 1800, 1200)
    assert not {"forbidden", "for-sessions"} & longest.keys()
    assert {role["Role"] for role in listed if role["ReasonRequired"]} == {"guarded", "reasoned"}
    assert stack.call("GET", "/v1/iam/roles", key=stack.add_user("eve", "execute-api:Invoke")).body["Roles"] == []
