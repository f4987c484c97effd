"""What is a form of credentials? Each is one file beside this one; known.py lists them."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Credentials
from chalicelib.text.timestamps import rfc3339

JSON: Final = "application/json"


Write = Callable[[SessionPlan, Credentials], str]


class Format(NamedTuple):
    """A form in which credentials are handed out.

    Attributes:
        name: what `?format=` calls it.
        media_type: it is sent as this where it is asked for by name.
        accepted: media types that `Accept` may ask for it by, the one that we prefer first.
        evaluated: it is no JSON, so that a shell might take an answer of another form for it.
        write: its text, from a plan and the credentials of the session; None for `json`, the object of all answers.
    """

    name: str
    media_type: str
    accepted: tuple[str, ...]
    evaluated: bool
    write: Write | None


def of_variables(script: Callable[[Mapping[str, str]], str]) -> Write:
    """What writes a script of the environment variables, whatever the plan."""
    return lambda plan, given: script(variables(given))


def variables(given: Credentials) -> dict[str, str]:
    """The environment variables of AWS's command line and SDKs."""
    return {
        "AWS_ACCESS_KEY_ID": given.access_key_id,
        "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
        "AWS_SESSION_TOKEN": given.session_token,
        "AWS_CREDENTIAL_EXPIRATION": rfc3339(given.expiration),
    }
