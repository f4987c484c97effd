"""Every partition of AWS that botocore knows is one that callers may come from, and that policies may name."""

from pathlib import Path

import botocore.session
import pytest

from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.session_name import session_name
from chalicelib.callers.sigv4 import identify_caller
from chalicelib.configuration.policy_files import load_policies
from chalicelib.errors import CallerRefused
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.places import Places
from chalicelib.wire.vend_request import parse_vend_request
from testing.app import write_config
from testing.event_table import PARTITIONS
from testing.events import ACCOUNT, federated_user, iam_user, role_session, root


def test_the_events_are_of_all_partitions_that_there_are() -> None:
    data = botocore.session.get_session().get_component("data_loader")
    ruled = {partition["id"] for partition in data.load_data("partitions")["partitions"]}
    listed = {partition["partition"] for partition in data.load_data("endpoints")["partitions"]}
    assert set(PARTITIONS) == ruled | listed


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_caller_of_any_partition_is_known_and_named_readably(partition: str) -> None:
    user = identify_caller(iam_user(partition=partition))
    session = identify_caller(role_session("Dev", "bob", partition=partition))
    federated = identify_caller(federated_user("dave", partition=partition))
    home = ACCOUNT + partition.removeprefix("aws")
    assert isinstance(user, IamUser) and session_name(user) == f"user=alice@{home}"
    assert isinstance(session, IamRoleSession) and session_name(session) == f"role=Dev=bob@{home}"
    assert isinstance(federated, FederatedUser) and session_name(federated) == f"fed=dave@{home}"
    assert {caller.partition for caller in (user, session, federated)} == {partition}
    assert user.arn == f"arn:{partition}:iam::{ACCOUNT}:user/alice"
    assert session.role_arn == f"arn:{partition}:iam::{ACCOUNT}:role/Dev"
    with pytest.raises(CallerRefused):
        identify_caller(root(partition=partition))


def test_no_two_partitions_share_a_session_name() -> None:
    names = {session_name(identify_caller(iam_user(partition=partition))) for partition in PARTITIONS}
    assert len(names) == len(PARTITIONS)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_policies_and_requests_may_name_arns_of_any_partition(tmp_path: Path, partition: str) -> None:
    named = {
        "IamUser": f"arn:{partition}:iam::{ACCOUNT}:user/team/alice",
        "IamRole": f"arn:{partition}:iam::{ACCOUNT}:role/Dev",
        "FederatedUser": f"arn:{partition}:sts::{ACCOUNT}:federated-user/dave",
    }
    text = "\n".join(
        f'@id("{kind}") permit (principal {"in" if kind == "IamRole" else "=="} {kind}::"{arn}", action, resource);'
        for kind, arn in named.items()
    )
    config = write_config(tmp_path, policies=text)
    policies = load_policies(
        config, Catalog.of(Places([], ()), lambda place: pytest.fail(f"there is no role {place}"), b"key"), frozenset()
    )
    assert {policy.name for policy in policies.indexed} == set(named)
    arn = f"arn:{partition}:iam::{ACCOUNT}:role/deep/reader"
    assert parse_vend_request(f'{{"role": "{arn}"}}'.encode(), None).role == arn
