"""Chalice's own commands, which load the app: those that would deploy it by another way than ours are refused."""

from collections.abc import MutableMapping, Sequence
from typing import Final

from botocore.exceptions import ProfileNotFound
from botocore.session import Session

# Where none is set. What `chalice package` makes is the same for all; `chalice local` vends by STS of that region.
_ANY_REGION: Final = "us-east-1"
_REFUSED: Final = frozenset({"deploy", "delete", "generate-pipeline"})


def refuse_deployment(arguments: Sequence[str]) -> None:
    """Exit, with what to type instead, where Chalice was asked to deploy or delete.

    It would do without the compiled configuration, the function's own IAM policy and the template merged into ours.

    Raises:
        SystemExit: it was.
    """
    if _REFUSED & set(arguments):
        raise SystemExit(
            "credvend is not deployed by Chalice alone: type `make deploy STAGE=dev CONFIG=DIRECTORY` (docs/deploy.md)."
        )


def settle_region(environment: MutableMapping[str, str]) -> None:
    """Set `AWS_DEFAULT_REGION`, unless it is: Chalice wants to know a region for all it does, and so does the app.

    It becomes what `AWS_REGION`, which Chalice does not look at, says; or what the profile says; or any.

    Raises:
        SystemExit: `AWS_PROFILE` names a profile that is not there.
    """
    if not environment.get("AWS_DEFAULT_REGION"):
        environment["AWS_DEFAULT_REGION"] = environment.get("AWS_REGION") or _region_of_profile() or _ANY_REGION


def _region_of_profile() -> str | None:
    try:
        region: str | None = Session().get_config_variable("region")
    except ProfileNotFound as error:
        raise SystemExit(f"{error}. AWS_PROFILE names it.") from None
    return region
