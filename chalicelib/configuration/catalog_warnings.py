"""Which roles of the catalog are likely not what was meant, though they are valid?"""

import re
from collections.abc import Iterator

from chalicelib.aws.policy_document import texts_in
from chalicelib.configuration.role_entry import RoleEntry
from chalicelib.configuration.source import WrittenConfiguration

# A session tag in a policy: the key of a condition, or a variable.
_SESSION_TAG = re.compile(r"aws:PrincipalTag/([^}]+)", re.ASCII | re.IGNORECASE)


def catalog_warnings(written: WrittenConfiguration) -> Iterator[str]:
    """A line for each likely mistake in a role: file, role, and what is odd about it."""
    for one in written.catalog.entries:
        entry, policy = one.entry, written.catalog.roles[one.first].session_rules.policy
        if policy is not None and policy.placeholders and entry.policy_arns:
            placeholder = min(map(str, policy.placeholders))
            yield (f"{one.label}: what `policy_arns` grant is granted beside `policy`, whatever {placeholder} is")
        for key in _chosen_tags(entry):
            yield f"{one.label}: `policy` looks at the tag {key}, which callers set as they like"


def _chosen_tags(entry: RoleEntry) -> Iterator[str]:
    """Keys of `caller_tags` that the role's own policy looks at. Case makes no difference to STS, nor to IAM."""
    looked_at = {key.lower() for text in texts_in(entry.policy) for key in _SESSION_TAG.findall(text)}
    return (key for key in entry.caller_tags if key.lower() in looked_at)
