"""To which roles may sessions have gone on? What roles.yaml says (`chains_to`), and what the operator names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.aws.durations import CHAINED_SECONDS
from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.chains import chained_roles


@dataclass(frozen=True, slots=True)
class Chains:
    """What is known of the catalog.

    Attributes:
        catalog: None: it could not be read.
        also: ARNs of roles that all sessions may have gone on to.
        unread: why it could not be read.
    """

    catalog: Catalog | None
    also: tuple[str, ...] = ()
    unread: str | None = None

    def of(self, role_arn: str) -> Sequence[str]:
        """ARNs of all roles that sessions of a role can have come to, in any number of steps."""
        roles = () if self.catalog is None else self.catalog.roles
        onward = (each for arn in (role_arn, *self.also) for each in chained_roles(arn, roles))
        return tuple(dict.fromkeys([*self.also, *onward]))

    def longest(self) -> int:
        """For how long after its end what has come of a session may go on; seconds.

        Each step takes another hour. Where roles go round in a circle, sessions can for good: those count one round.
        """
        roles = () if self.catalog is None else self.catalog.roles
        steps = [len(self.also), *(len(self.of(role.arn)) for role in roles if role.chains_to)]
        return CHAINED_SECONDS * max(steps)

    def is_proved(self, role_arn: str) -> bool:
        """Whether the role has a probe, by which its revocations are seen in force."""
        role = None if self.catalog is None else self.catalog.find_role(role_arn)
        return role is not None and role.probe is not None

    def is_named(self, name: str) -> bool:
        """Whether a role may have this catalog name, as far as is known."""
        return self.catalog is None or any(role.name == name for role in self.catalog.roles)

    def unknown(self, names: Mapping[str, str]) -> list[str]:
        """Names of roles of which the catalog does not hold the ARN, of these: names by ARNs."""
        if self.catalog is None:
            return sorted(set(names.values()))
        return sorted({name for arn, name in names.items() if self.catalog.find_role(arn) is None})


def read_chains(config: Path, also: Sequence[str]) -> Chains:
    """What the catalog of a directory says; one that cannot be read keeps nobody from revoking."""
    try:
        return Chains(Catalog(read_catalog(config / "roles.yaml").roles), tuple(also))
    except (ConfigError, OSError) as error:
        return Chains(None, tuple(also), f"{config}: {error}")
