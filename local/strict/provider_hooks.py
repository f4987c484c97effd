"""OpenID Connect providers in IAM and in CloudFormation, each in its account.

ministack has them in IAM alone, and takes any URL.
"""

from collections.abc import Callable, Mapping
from typing import Final, cast

from ministack.core import iam_actions
from ministack.core.responses import get_account_id
from ministack.services import iam
from ministack.services.cloudformation import provisioners

from local.strict.protocols import Asked, Handler, Request, read_query
from local.strict.provider_rules import check_client_ids, check_new_provider
from local.strict.query_answer import result
from local.strict.records import Record
from local.strict.refusal import Answer, Refusal, answer
from local.strict.web_identity_rules import host_of

Properties = Mapping[str, object]

_KIND: Final = "AWS::IAM::OIDCProvider"
_ARN: Final = "OpenIDConnectProviderArn"


def make_providers() -> None:
    """Let IAM change providers and tell their URL as it does, and CloudFormation make them."""
    handle: Handler = iam.handle_request
    extract: Callable[..., str] = iam_actions.extract_resource_arn

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Answer:
        asked = read_query("iam", body, query)
        changed = None if asked is None else _change(asked)
        if changed is not None:
            return changed
        status, told, text = await handle(method, path, headers, body, query)
        if asked is not None and asked.operation == "GetOpenIDConnectProvider":
            # Without its scheme: https://docs.aws.amazon.com/cli/latest/reference/iam/get-open-id-connect-provider.html
            text = text.replace(b"<Url>https://", b"<Url>")
        return status, told, text

    def extract_resource_arn(service: str, *arguments: object, **options: object) -> str:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
        asked = read_query("iam", cast(bytes, arguments[3]), {}) if service == "iam" else None
        if asked is None or "OpenIDConnectProvider" not in asked.operation:
            return extract(service, *arguments, **options)
        named = asked.members.get(_ARN)
        return str(named) if named else _arn(str(asked.members["Url"])) if "Url" in asked.members else "*"

    iam.handle_request = handle_request
    iam_actions.extract_resource_arn = extract_resource_arn
    provisioners._RESOURCE_HANDLERS[_KIND] = {"create": _create, "update": _update, "delete": _delete}


def check_provider_request(asked: Asked, request: Request) -> Refusal | None:
    """What IAM refuses of a request for a provider, or None."""
    if asked.operation != "CreateOpenIDConnectProvider":
        return None
    members = cast(Mapping[str, list[str]], asked.members)
    return _check_new(str(members["Url"]), members.get("ClientIDList", []), members.get("ThumbprintList", []))


def _check_new(url: str, client_ids: list[str], thumbprints: list[str]) -> Refusal | None:
    return check_new_provider(url, client_ids, thumbprints, len(list(iam._oidc_providers)))


def _change(asked: Asked) -> Answer | None:
    """The answer to a change that ministack does not know, or None: it is none."""
    steps: Mapping[str, Callable[[Record, Properties], Refusal | None]] = {
        "AddClientIDToOpenIDConnectProvider": _add_client_id,
        "RemoveClientIDFromOpenIDConnectProvider": _remove_client_id,
        "UpdateOpenIDConnectProviderThumbprint": _set_thumbprints,
    }
    step = steps.get(asked.operation)
    if step is None:
        return None
    arn = asked.members[_ARN]
    provider = iam._oidc_providers.get(arn)
    if provider is None:
        return answer(Refusal("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404), "iam")
    refusal = step(provider, asked.members)
    return result("iam", asked.operation, {}) if refusal is None else answer(refusal, "iam")


def _add_client_id(provider: Record, members: Properties) -> Refusal | None:
    there = cast(list[str], provider["ClientIDList"])
    new = [*there, *({str(members["ClientID"])} - set(there))]
    refusal = check_client_ids(new)
    if refusal is None:
        provider["ClientIDList"] = new
    return refusal


def _remove_client_id(provider: Record, members: Properties) -> None:
    there = cast(list[str], provider["ClientIDList"])
    provider["ClientIDList"] = [each for each in there if each != members["ClientID"]]


def _set_thumbprints(provider: Record, members: Properties) -> None:
    provider["ThumbprintList"] = members["ThumbprintList"]


def _create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-oidcprovider.html."""
    if not properties.get("Url"):
        raise ValueError("Properties validation failed for resource: #: required key [Url] not found")
    arn, record = _arn(str(properties["Url"])), _record(properties)
    refusal = _check_new(str(record["Url"]), record["ClientIDList"], record["ThumbprintList"])
    if refusal is None and arn in iam._oidc_providers:
        refusal = Refusal("EntityAlreadyExists", f"Provider with url {properties['Url']} already exists.", 409)
    if refusal is not None:
        raise ValueError(f"{refusal.message} (Service: Iam, Error Code: {refusal.code})")
    iam._oidc_providers[arn] = {**record, "Arn": arn, "CreateDate": iam._now()}
    return arn, {"Arn": arn}


def _update(made: str, old: Properties, new: Properties, stack: str) -> tuple[str, dict[str, str]]:
    if new.get("Url") != old.get("Url"):  # makes it anew
        return _create(made, new, stack)
    refusal = check_client_ids(cast(list[str], new.get("ClientIdList") or []))
    if refusal is not None:
        raise ValueError(f"{refusal.message} (Service: Iam, Error Code: {refusal.code})")
    iam._oidc_providers[made].update(_record(new))
    return made, {"Arn": made}


def _delete(made: str, properties: Properties) -> None:
    iam._oidc_providers.pop(made, None)


def _record(properties: Properties) -> dict[str, list[str]]:
    lists = {"ClientIDList": "ClientIdList", "ThumbprintList": "ThumbprintList", "Tags": "Tags"}
    record = {name: list(cast(list[str], properties.get(of) or [])) for name, of in lists.items()}
    return cast(dict[str, list[str]], {**record, "Url": str(properties["Url"])})


def _arn(url: str) -> str:
    return f"arn:aws:iam::{get_account_id()}:oidc-provider/{host_of(url)}"
