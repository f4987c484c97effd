"""The key of credvend's tokens, and whether STS can read it: what every session of more than an hour hangs on."""

from collections.abc import Callable, Iterator
from typing import cast

from chalicelib.signing.documents import KEYS_PATH
from chalicelib.signing.keys import SigningKey, algorithm_of
from ops.aws.reader import Aws, NotTold
from ops.deployed.deployment import keys_url
from ops.documents.json_object import Json
from ops.errors import OperationFailed
from ops.examining.finding import Finding, not_asked
from ops.examining.stack import DeployedStack
from ops.stages.names import ALGORITHM_OUTPUT, ALIAS_OUTPUT, ISSUER_OUTPUT


def signing_findings(
    aws: Aws, stack: DeployedStack, endpoint: str | None, keys_at: Callable[[str], frozenset[str]]
) -> Iterator[Finding]:
    """Whether there is a key that can sign, and whether it is published.

    Args:
        endpoint: where all services are instead of at AWS, or None.
        keys_at: tells the ids of the keys that are published below a URL; raises `OperationFailed`.
    """
    alias = stack.outputs.get(ALIAS_OUTPUT)
    if alias is None:
        return  # no role of the catalog has more than an hour
    about = f"key {alias}"
    try:
        told = cast(Json, aws.ask("kms", "describe_key", KeyId=alias)["KeyMetadata"])
        spec, state = str(told.get("KeySpec")), str(told.get("KeyState"))
        algorithm = algorithm_of(spec)
        if state != "Enabled" or algorithm is None:
            yield _cannot_sign(about, str(told.get("KeyId")), state, spec)
            return
        der = cast(bytes, aws.ask("kms", "get_public_key", KeyId=alias)["PublicKey"])
    except NotTold as error:
        yield _not_there(error, about)
        return
    meant = stack.outputs.get(ALGORITHM_OUTPUT)
    if algorithm != meant:
        yield Finding(
            "note",
            about,
            f"it signs by {algorithm}, and new keys are to sign by {meant}",
            ("credvend-admin keys rotate",),
        )
    yield from _published_findings(stack, SigningKey("", algorithm, der), endpoint, keys_at)


def _published_findings(
    stack: DeployedStack, key: SigningKey, endpoint: str | None, keys_at: Callable[[str], frozenset[str]]
) -> Iterator[Finding]:
    issuer = stack.outputs.get(ISSUER_OUTPUT, "")
    url, _ = keys_url(stack.outputs, endpoint)
    about = f"issuer {issuer}"
    try:
        there = keys_at(url)
    except OperationFailed as error:
        yield Finding(
            "problem",
            about,
            f"STS cannot read its keys: {error}",
            (
                "It must answer from anywhere: look at the web ACL, and at the log of the function.",
                "If it is a copy: credvend-admin keys export DIR, and publish it there.",
            ),
        )
        return
    if key.id not in there:
        yield Finding(
            "problem",
            about,
            f"{issuer}{KEYS_PATH} does not hold the key that signs ({key.id}): STS refuses all tokens",
            ("Is it a copy? credvend-admin keys export DIR, and publish it there.",),
        )


def _cannot_sign(about: str, key: str, state: str, spec: str) -> Finding:
    return Finding(
        "problem",
        about,
        f"key {key} is {state} and of kind {spec}: it signs nothing, and no role of more than an hour is vended",
        (
            f"If it was switched off: aws kms enable-key --key-id {key}; if it is to be deleted: aws kms "
            f"cancel-key-deletion --key-id {key}, and then that.",
            "Else: credvend-admin keys rotate --now, twice.",
        ),
    )


def _not_there(error: NotTold, about: str) -> Finding:
    if error.why == "gone":
        return Finding(
            "problem",
            about,
            "no key has this name: no role of more than an hour is vended",
            ("Give it to the key again: aws kms create-alias; `aws kms list-keys` tells which there are.",),
        )
    return not_asked(error, about)
