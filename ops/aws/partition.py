"""In which partition of AWS will it run? Roles of another one can never be assumed."""

from botocore.exceptions import UnknownRegionError
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from chalicelib.errors import ConfigError
from chalicelib.roles.role import Role
from ops.errors import CommandFailed

_SHOWN = 5


def partition_of(region: str) -> str:
    """The partition of a region.

    Raises:
        CommandFailed: botocore knows no such region, not even by its form.
    """
    try:
        # Not by a session, which reads the profile: it may be a wrong one, and has no say here.
        return str(EndpointResolver(Loader().load_data("endpoints")).get_partition_for_region(region))
    except UnknownRegionError:
        raise CommandFailed(f"{region!r} is no region of AWS: look at AWS_REGION, or at your AWS profile.") from None


def check_partition(roles: tuple[Role, ...], region: str | None) -> None:
    """Whether the roles are all of the deployment's partition, or of one at all where the region is not known yet.

    Raises:
        ConfigError: they are not; names some of those that are not.
        CommandFailed: there is no such region.
    """
    if not roles:
        return
    home = roles[0].partition if region is None else partition_of(region)
    strange = [role for role in roles if role.partition != home]
    if not strange:
        return
    why = f"that of role {roles[0].name!r} is {home}" if region is None else f"{region}, where this goes, is of {home}"
    problems = [
        f"roles.yaml: role {role.name!r}: its ARN is of partition {role.partition}; {why}" for role in strange[:_SHOWN]
    ]
    if len(strange) > _SHOWN:
        problems.append(f"roles.yaml: and {len(strange) - _SHOWN:,} more roles of other partitions than {home}")
    problems.append("A role is assumed from its own partition alone: deploy to each, with a catalog of its own.")
    raise ConfigError(problems)
