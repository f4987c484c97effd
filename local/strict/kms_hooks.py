"""KMS's rules for the keys that ministack keeps, and rights on keys as AWS judges them: by the key, not by its name."""

import json
from collections.abc import Callable, Mapping
from typing import Final, cast

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import kms

from local.strict.kms_rules import (
    Key,
    alias_in,
    check_alias_name,
    check_new_key,
    check_target,
    check_use,
    context,
    names_of,
    not_there,
)
from local.strict.protocols import Asked, Request
from local.strict.records import Record
from local.strict.refusal import Refusal

Properties = Mapping[str, object]

_OF_ALIASES: Final = ("CreateAlias", "UpdateAlias", "DeleteAlias")


def judge_keys_themselves() -> None:
    """Judge what is asked of a key by its ARN, whatever names it, and tell conditions the alias that does.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html: rights on an alias are none on its
    key; `kms:RequestAlias` and `kms:ResourceAliases` are how a policy names keys by alias. Where an alias leads to no
    key, there is nothing to judge: that everybody in the account is told so is not known, but follows from this.
    """
    action_of: Callable[..., str | None] = iam_actions.extract_iam_action
    extract: Callable[..., str] = iam_actions.extract_resource_arn
    tags: Callable[[str, str, bytes, object], dict[str, object]] = iam_actions.request_tag_context

    def extract_iam_action(service: str, *arguments: object) -> str | None:
        action = action_of(service, *arguments)
        members = _members(cast(bytes, arguments[3])) if service == "kms" else {}
        key_id = str(members.get("KeyId", ""))
        return None if alias_in(key_id) is not None and _key(key_id) is None else action

    def extract_resource_arn(service: str, *arguments: object, **options: object) -> str:
        arn = extract(service, *arguments, **options)
        if service != "kms":
            return arn
        members = _members(cast(bytes, arguments[3]))
        if "AliasName" in members:
            return _alias_arn(str(members["AliasName"]))
        key = _key(str(members.get("KeyId", "")))
        return arn if key is None else key.arn

    def request_tag_context(service: str, action: str, body: bytes, parameters: object) -> dict[str, object]:
        said = tags(service, action, body, parameters)
        if service != "kms":
            return said
        members = _members(body)
        return said | context(action.partition(":")[2], members, _key(str(members.get("KeyId", ""))))

    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn
    iam_actions.request_tag_context = request_tag_context


def check_kms_request(asked: Asked, request: Request) -> Refusal | None:
    """What KMS refuses of a request, or None."""
    members = cast(Mapping[str, str], asked.members)
    if asked.operation == "CreateKey":
        spec = members.get("KeySpec") or members.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
        return check_new_key(spec, members.get("KeyUsage", "ENCRYPT_DECRYPT"))
    if asked.operation in _OF_ALIASES:
        return _check_alias(asked.operation, members, request)
    key_id = members.get("KeyId")
    if key_id is None:
        return None
    key = _key(key_id)
    return not_there(key_id, _arn(key_id)) if key is None else check_use(asked.operation, key_id, key)


def check_key_properties(properties: Properties, made: str | None) -> Refusal | None:
    """What KMS says of a key that CloudFormation makes, or None."""
    spec, usage = properties.get("KeySpec", "SYMMETRIC_DEFAULT"), properties.get("KeyUsage", "ENCRYPT_DECRYPT")
    return None if made is not None else check_new_key(str(spec), str(usage))


def check_alias_properties(properties: Properties, made: str | None) -> Refusal | None:
    """What KMS says of an alias that CloudFormation makes or leads elsewhere, or None."""
    target = str(properties.get("TargetKeyId", ""))
    same = made is not None and made == properties.get("AliasName")
    return check_target(target, _key(target), _key(str(made)) if same else None)


def alias_exists(properties: Properties) -> bool:
    """Whether there is an alias of the name that the properties say."""
    return _alias_arn(str(properties.get("AliasName"))) in kms._aliases


def _check_alias(operation: str, members: Mapping[str, str], request: Request) -> Refusal | None:
    """Besides the right on the alias, which is asked for before, it takes one on every key that is concerned.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
    """
    name, target = members["AliasName"], members.get("TargetKeyId")
    before, key = _key(name), None if target is None else _key(target)
    if operation != "CreateAlias" and before is None:
        return not_there(name, _alias_arn(name))
    refusal = check_alias_name(name) if operation == "CreateAlias" else None
    if refusal is None and target is not None:
        refusal = check_target(target, key, before)
    concerned = [each for each in (key, None if operation == "CreateAlias" else before) if each is not None]
    return refusal or next(filter(None, (_denial(operation, each, request) for each in concerned)), None)


def _denial(operation: str, key: Key, request: Request) -> Refusal | None:
    """What KMS says where policies do not allow an operation on this key, or None."""
    caller = extract_access_key_id(request.headers, request.query)
    action = f"kms:{operation}"
    denied = iam_evaluator.enforce(
        caller, action, "kms", get_region(), resource_arn=key.arn, service_context=context(operation, {}, key)
    )
    if denied is None:
        return None
    who = getattr(denied, "principal_arn", "")
    return Refusal(
        "AccessDeniedException", f"User: {who} is not authorized to perform: {action} on resource: {key.arn}"
    )


def _key(key_id: str) -> Key | None:
    record = cast(Record | None, kms._resolve_key(key_id))
    if record is None:
        return None
    aliases = names_of(arn for arn, target in kms._aliases.items() if target == record["KeyId"])
    spec, usage, state = (str(record[name]) for name in ("KeySpec", "KeyUsage", "KeyState"))
    return Key(str(record["Arn"]), spec, usage, state, aliases)


def _arn(key_id: str) -> str:
    if key_id.startswith("arn:"):
        return key_id
    return _alias_arn(key_id) if alias_in(key_id) else f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key_id}"


def _alias_arn(name: str) -> str:
    return str(kms._alias_arn(name))


def _members(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
