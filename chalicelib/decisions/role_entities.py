"""The roles of the catalog as Cedar sees them: parsed when somebody first asks about them, and kept up to a bound."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from chalicelib.caching import WeighedCache
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.entities import Json, role_json
from chalicelib.decisions.scope_keys import keys_of
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role

# Entities are kept up to so many characters of JSON: of some 1,500 roles, which take 4 MB.
_KEPT_CHARACTERS: Final = 262_144
# What a role takes of that.
_CHARACTERS_OF_A_ROLE: Final = 250


class RoleEntity(NamedTuple):
    """A role as decisions need it.

    Attributes:
        document: in Cedar's JSON.
        keys: what scopes may demand of it.
        parsed: by itself.
    """

    document: Json
    keys: tuple[str, ...]
    parsed: cedarpy.Entities


class RoleEntities:
    """Parses, and keeps what was asked for last."""

    def __init__(self, catalog: Catalog, schema: cedarpy.Schema, told: Collection[str]) -> None:
        """Nothing is parsed yet.

        Args:
            told: of roles, of `ROLE_FACTS`.
        """
        self._catalog = catalog
        self._schema = schema
        self._told = told
        self._kept = WeighedCache[tuple[str, str, tuple[str, ...]], RoleEntity](_KEPT_CHARACTERS)
        self._kept_sets = WeighedCache[frozenset[str], cedarpy.Entities](_KEPT_CHARACTERS)

    def document(self, role: Role) -> Json:
        """A role in Cedar's JSON, by itself."""
        return role_json(role, self._told)

    def of(self, role: Role) -> RoleEntity:
        """The role that is asked about."""
        key = (role.name, role.arn, role.groups)
        kept = self._kept.get(key)
        if kept is None:
            document = self.document(role)
            text = json.dumps([document])
            kept = RoleEntity(document, keys_of(document), cedarpy.Entities.from_json_str(text, self._schema))
            self._kept.put(key, kept, len(text))
        return kept

    def with_request(self, request: Sequence[Json], role: RoleEntity, named: frozenset[str]) -> cedarpy.Entities:
        """The entities of a decision: a request's, the role's, and those of other roles that policies may look at.

        Args:
            request: the caller, and what else it speaks of.
            named: ids of such roles. The set of them is shared by all decisions with these policies.
        """
        if not named:
            return self.added(request, role.parsed)
        # The role may be among them: Cedar takes an entity twice where it is the same.
        return self.added([*request, role.document], self._named(named))

    def beside(self, caller: Json) -> "CallerEntities":
        """A caller, for many decisions."""
        return CallerEntities(self, caller)

    def with_caller(self, caller: Json, named: frozenset[str]) -> cedarpy.Entities:
        """A caller, and the roles that policies may look at."""
        return self.added([caller], self._named(named)) if named else self.parse([caller])

    def _named(self, named: frozenset[str]) -> cedarpy.Entities:
        kept = self._kept_sets.get(named)
        if kept is None:
            found = [self.document(one) for one in map(self._catalog.find_role, sorted(named)) if one is not None]
            text = json.dumps(found)
            kept = cedarpy.Entities.from_json_str(text, self._schema)
            self._kept_sets.put(named, kept, len(text))
        return kept

    @cached_property
    def all(self) -> cedarpy.Entities:
        """All of the catalog, made for the first list of roles: who starts the service to vend does not wait for it."""
        return self.parse(map(self.document, self._catalog.roles))

    def parse(self, documents: Iterable[Mapping[str, object]]) -> cedarpy.Entities:
        """Entities, from Cedar's JSON.

        Raises:
            ValueError: they do not fit the schema.
        """
        return cedarpy.Entities.from_json_str(json.dumps(list(documents)), self._schema)

    def added(self, documents: Iterable[Mapping[str, object]], entities: cedarpy.Entities) -> cedarpy.Entities:
        """Those entities and some more, from Cedar's JSON.

        Raises:
            ValueError: they do not fit the schema.
        """
        return entities.with_added_json_str(json.dumps(list(documents)), self._schema)


class CallerEntities:
    """A caller beside one role after the other. Somebody in very many groups takes long to parse: here, once.

    Attributes:
        document: the caller, in Cedar's JSON.
    """

    def __init__(self, roles: RoleEntities, caller: Json) -> None:
        """Nothing is parsed yet. Lives as long as one request."""
        self._roles = roles
        self.document = caller
        self._kept = WeighedCache[frozenset[str], cedarpy.Entities](_KEPT_CHARACTERS)

    def with_request(self, asked: Sequence[Json], roles: Sequence[Json], named: frozenset[str]) -> cedarpy.Entities:
        """The entities of decisions about some roles, as `RoleEntities.with_request` has them of one.

        Args:
            asked: what else than the caller the requests speak of.
            roles: in Cedar's JSON.
        """
        kept = self._kept.get(named)
        if kept is None:
            kept = self._roles.with_caller(self.document, named)
            self._kept.put(named, kept, _CHARACTERS_OF_A_ROLE * len(named))
        return self._roles.added([*asked, *roles], kept)
