"""What an operator wants blocked, by what they call it: one caller, an IAM role behind callers, a role, an issuer."""

import re
from typing import Final, Literal, NamedTuple

from chalicelib.blocks.keys import ALL, caller_key, issuer_key, principal_key, role_key
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.text.printable import unprintable
from ops.errors import OperationFailed
from ops.iam.principals import iam_role, role_of_session
from ops.terminal.say import escaped

Kind = Literal["caller", "role", "issuer"]
_NOT_BY_ARN: Final = "is named as in {}s.yaml, not by an ARN: `credvend-admin sessions` shows the names"
_ARN: Final = "arn:"
# As the catalog and issuers.yaml let names be.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(@[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?", re.ASCII)
_FORMS: Final = (
    "A caller is named as audit records and `credvend-admin sessions` name it: the ARN of an IAM user or of a role's "
    "session, oidc:ISSUER:SUBJECT or token:NAME; or by the ARN of an IAM role: all its sessions."
)


class Named(NamedTuple):
    """What is meant.

    Attributes:
        key: of the block.
        words: what it is, for people.
        doubt: why nobody can be called that, or None.
        kind: whose live sessions may be ended with the block; None: everybody's.
    """

    key: str
    words: str
    doubt: str | None
    kind: Kind | None


EVERYTHING: Final = Named(ALL, "all vending", None, None)


def named(text: str, kind: Kind | None) -> Named:
    """What is meant by what an operator has written.

    Args:
        kind: what they have said that it is; None: it is to be told by its form.

    Raises:
        OperationFailed: it may be several things, or none.
    """
    if not text or unprintable(text) is not None:
        raise OperationFailed(f"{text!r} is no name. {_FORMS}")
    if kind is None:
        if not text.startswith((_ARN, "oidc:", "token:")):
            raise OperationFailed(f"{text!r} may be a role or an issuer: say which, by --role or --issuer. {_FORMS}")
        kind = "caller"
    if kind == "caller":
        return _caller(text)
    words = "is no name: those have at most 64 letters, digits, _ . or -, and roles of many accounts an @ between two"
    doubt = None if _NAME.fullmatch(text) else words
    if text.startswith(_ARN):
        doubt = f"is an ARN, and {'a role' if kind == 'role' else 'an issuer'} {_NOT_BY_ARN.format(kind)}"
    if kind == "role":
        return Named(role_key(text), f"role {text}", doubt, "role")
    return Named(issuer_key(text), f"issuer {text}", doubt, "issuer")


def check_caller(text: str) -> None:
    """Refuse what no caller, and no IAM role behind callers, can be called: to find nothing of theirs is no answer.

    Raises:
        OperationFailed: nobody can be called so.
    """
    what = named(text, "caller")
    if what.doubt is not None:
        raise OperationFailed(f"{escaped(text)} {what.doubt.removesuffix('.')}.")


def _caller(text: str) -> Named:
    if (role := iam_role(text)) is not None:
        return Named(principal_key(role), f"all sessions of the IAM role {role}", None, "caller")
    return Named(caller_key(text), f"caller {text}", _doubt(text), "caller")


def _doubt(identifier: str) -> str | None:
    """Why no caller is called so."""
    scheme, _, rest = identifier.partition(":")
    match scheme:
        case "arn":
            if role_of_session(identifier) is not None:
                return None
            if ":assumed-role/" in identifier:
                return "can be nobody: a role's session is its ARN, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION"
            kind = FederatedUser if ":sts:" in identifier else IamUser
            return kind.problem_with_id(identifier, frozenset())
        case "oidc":
            return OidcSubject.problem_with_id(rest, frozenset({rest.partition(":")[0]}))
        case "token":
            return ServiceToken.problem_with_id(rest, frozenset())
    return f"can be nobody. {_FORMS}"
