"""The first key of credvend's tokens, in stages whose catalog has roles of more than an hour.

Which key signs is told by its name in KMS alone, and `credvend-admin keys rotate` moves that: the template names the
first key, and never another one. So nothing that it says of the two may change with the configuration.
"""

from typing import Final, cast

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.errors import ConfigError
from chalicelib.signing.keys import Algorithm
from ops.documents.json_object import Json
from ops.iam.signing_key_policy import signing_key_policy
from ops.stages.names import (
    ALGORITHM_OUTPUT,
    ALIAS_OUTPUT,
    API,
    DOCTOR,
    DOMAIN_OUTPUT,
    FUNCTION,
    ISSUER_OUTPUT,
    SIGNING_ALIAS,
    SIGNING_KEY,
)
from ops.stages.stage_file import STAGE_FILE, Signing

# https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
KEY_SPECS: Final[dict[Algorithm, str]] = {"RS256": "RSA_2048", "ES256": "ECC_NIST_P256"}
# The most that KMS has: time to see that something still wants the key.
DELETED_AFTER_DAYS: Final = 30
KEY_DESCRIPTION: Final = "Signs credvend's tokens for STS."
# Tags of keys: whose they are, and what made them.
STACK_TAG: Final = "credvend:signs-for"
MADE_BY_TAG: Final = "credvend:made-by"
BY_TEMPLATE: Final = "template"


def add_signing(template: Json, catalog: WrittenCatalog, signing: Signing) -> None:
    """Add the key, its name, and what the functions are told of them, in place; nothing where no role needs it.

    Raises:
        ConfigError: nobody could read the public keys.
    """
    if not any(role.by_web_identity for role in catalog.roles):
        return
    resources = cast(dict[str, Json], template["Resources"])
    if _is_answered_by_the_function(template, signing):
        _check_reachable(cast(Json, resources[API]["Properties"]))
        _check_concurrency(cast(Json, resources[FUNCTION]["Properties"]))
    resources[SIGNING_KEY] = _key(signing)
    resources[SIGNING_ALIAS] = {
        "Type": "AWS::KMS::Alias",
        "Properties": {
            "AliasName": {"Fn::Sub": "alias/${AWS::StackName}-signing"},
            "TargetKeyId": {"Ref": SIGNING_KEY},
        },
    }
    # A reference to the API would make the function that vends and the API wait for each other: it takes the API's id
    # from the request.
    own = {} if signing.issuer is None else {"CREDVEND_ISSUER": signing.issuer}
    issuer = signing.issuer or _url_of_api(resources)
    for function, more in ((FUNCTION, own), (DOCTOR, {"CREDVEND_ISSUER": issuer})):
        environment = cast(dict[str, Json], cast(Json, resources[function]["Properties"])["Environment"])
        environment["Variables"] |= {"CREDVEND_SIGNING_ALIAS": {"Ref": SIGNING_ALIAS}, **more}
    cast(Json, template["Outputs"]).update(
        {
            ISSUER_OUTPUT: {
                "Description": "The OpenID Connect provider that accounts of roles of more than an hour must have.",
                "Value": issuer,
            },
            ALIAS_OUTPUT: {
                "Description": "The name in KMS of the key that signs credvend's tokens.",
                "Value": {"Ref": SIGNING_ALIAS},
            },
            ALGORITHM_OUTPUT: {
                "Description": "What `credvend-admin keys rotate` makes new keys for.",
                "Value": signing.algorithm,
            },
        }
    )


def _key(signing: Signing) -> Json:
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    role = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-${AWS::Region}"}
    return {
        "Type": "AWS::KMS::Key",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Description": KEY_DESCRIPTION,
            "KeySpec": KEY_SPECS[signing.algorithm],
            "KeyUsage": "SIGN_VERIFY",
            "KeyPolicy": signing_key_policy(root, role),
            "PendingWindowInDays": DELETED_AFTER_DAYS,
            "Tags": [
                {"Key": STACK_TAG, "Value": {"Ref": "AWS::StackName"}},
                {"Key": MADE_BY_TAG, "Value": BY_TEMPLATE},
            ],
        },
    }


def _url_of_api(resources: dict[str, Json]) -> Json:
    """As chalicelib/signing/issuer_url.py puts it together."""
    stage = cast(Json, resources[API]["Properties"])["StageName"]
    return {"Fn::Sub": f"https://${{{API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"}


def _is_answered_by_the_function(template: Json, signing: Signing) -> bool:
    """Whether STS reads the keys from the API: by its own URL, or by its custom domain."""
    domain = cast(dict[str, Json], template["Outputs"]).get(DOMAIN_OUTPUT)
    return signing.issuer is None or (domain is not None and signing.issuer == domain["Value"])


def _check_concurrency(function: Json) -> None:
    """STS reads the keys while the request waits for STS: alone, the function would wait for itself."""
    if function.get("ReservedConcurrentExecutions") in (0, 1):
        raise ConfigError(
            [
                f"{STAGE_FILE}: `concurrency` must be at least 2 where roles have more than 1h: STS reads the keys of "
                "credvend's tokens from the function that waits for it. Or set `signing.issuer` to where "
                "`credvend-admin keys export` is published"
            ]
        )


def _check_reachable(api: Json) -> None:
    if "PRIVATE" in str(api.get("EndpointConfiguration")):
        raise ConfigError(
            [
                f"{STAGE_FILE}: the API is private, where STS cannot read the keys of credvend's tokens, and roles of "
                "more than 1h need that: set `signing.issuer` to where `credvend-admin keys export` is published"
            ]
        )
