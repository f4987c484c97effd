"""Where may a session of a role have gone on to?"""

from collections.abc import Iterable

from chalicelib.roles.role import Role


def chained_roles(role_arn: str, catalog: Iterable[Role]) -> tuple[str, ...]:
    """ARNs of all roles that a session of a role can come to: by `chains_to`, and from there by that of the next.

    Roles that are in the catalog twice, or not any more, go on to wherever any entry of theirs says.
    """
    onward: dict[str, list[str]] = {}
    for role in catalog:
        onward.setdefault(role.arn, []).extend(role.chains_to)
    found: dict[str, None] = {}
    waiting = list(onward.get(role_arn, ()))
    while waiting:
        arn = waiting.pop(0)
        if arn not in found:
            found[arn] = None
            waiting += onward.get(arn, ())
    return tuple(found)
