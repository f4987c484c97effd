"""What in a valid catalog is likely a mistake is told, and what is not is left alone."""

from pathlib import Path

import pytest

from chalicelib.configuration.catalog_warnings import catalog_warnings
from chalicelib.configuration.source import read_source
from testing.app import write_config

ROLE = """
roles:
  - name: r
    arn: arn:aws:iam::111122223333:role/r
    policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "%s"}]}
"""
SCOPED, PLAIN = "arn:aws:s3:::data/${claims.tenant}/*", "arn:aws:s3:::data/*"
ARNS = '    policy_arns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]\n'
TAGS = "    caller_tags: [Project, other]\n"
TAGGED = "arn:aws:s3:::data/${aws:PrincipalTag/project}/*"


@pytest.mark.parametrize(
    ("resource", "more", "warning"),
    [
        (SCOPED, ARNS, "what `policy_arns` grant is granted beside `policy`, whatever ${claims.tenant} is"),
        (PLAIN, ARNS, None),
        (SCOPED, TAGS, None),
        (TAGGED, TAGS, "`policy` looks at the tag Project, which callers set as they like"),
        (TAGGED, "    tags: {Project: x}\n", None),
    ],
)
def test_what_is_likely_a_mistake_is_told(tmp_path: Path, resource: str, more: str, warning: str | None) -> None:
    roles = ROLE % resource + more
    written = read_source(
        write_config(tmp_path, roles, '@id("a") permit (principal, action, resource == Role::"r");'), False
    )
    assert list(catalog_warnings(written)) == ([] if warning is None else [f"roles.yaml: role 'r' (line 3): {warning}"])
