"""Admission where the ledger is switched off: nothing is asked but whether a token is good for one vend alone."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.admission.admission import Admitted

if TYPE_CHECKING:
    from chalicelib.admission.admission import Asked
    from chalicelib.callers.caller import Caller
    from chalicelib.callers.oidc.used_tokens import UsedTokens
    from chalicelib.sessions.sts import Session


class WithoutLedger(NamedTuple):
    """As fast as can be: no blocks, no quotas, and no list of sessions.

    Attributes:
        used_tokens: made for the first token that vends once only.
    """

    used_tokens: "Callable[[], UsedTokens]"

    def worst_seconds(self, caller: "Caller") -> float:
        if caller.one_use is None:
            return 0
        from chalicelib.aws.table import WORST_SECONDS  # loads what asks DynamoDB

        return WORST_SECONDS

    def admit(self, asked: "Asked") -> Admitted:
        if asked.caller.one_use is not None:
            self.used_tokens().use(asked.caller.one_use)
        return Admitted(asked.session, expires=0)

    def vended(self, admitted: Admitted, given: "Session") -> None:
        pass

    def failed(self, admitted: Admitted, cause: str) -> None:
        pass
