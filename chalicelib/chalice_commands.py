"""Chalice's own commands, which load the app: those that would deploy it by another way than ours are refused."""

from collections.abc import Sequence
from typing import Final

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
