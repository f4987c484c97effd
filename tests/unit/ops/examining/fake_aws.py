"""AWS for the doctor: a stage in order, of which tests change what they are about."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from ops.aws.reader import NotTold
from ops.documents.json_object import Json
from ops.environments import ROOT

ACCOUNT: Final = "111122223333"
STACK: Final = "credvend-prod"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/credvend-prod-eu-west-1"
REVOKER_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/credvend-prod-revoker-eu-west-1"
TEMPLATE: Final = cast(dict[str, Json], json.loads((ROOT / ".chalice/template.json").read_text())["Resources"])
DAYS: Final = 365
# What Chalice adds to the template, as far as it is looked at.
TYPES: Final = {
    **dict.fromkeys(("APIHandler", "Revoker", "Doctor"), "AWS::Serverless::Function"),
    **dict.fromkeys(("ApiHandlerRole", "RevokerRole"), "AWS::IAM::Role"),
    **dict.fromkeys(("ApiHandlerLogGroup", "RevokerLogGroup", "DoctorLogGroup"), "AWS::Logs::LogGroup"),
    "RestAPI": "AWS::Serverless::Api",
}
FUNCTIONS: Final = {"APIHandler": STACK, "Revoker": f"{STACK}-revoker", "Doctor": f"{STACK}-doctor"}
CONCURRENCY: Final = {STACK: 50, f"{STACK}-revoker": 2, f"{STACK}-doctor": 1}


def template() -> dict[str, Json]:
    """The resources of the deployed template."""
    found: dict[str, Json] = json.loads(json.dumps(TEMPLATE))
    for name, kind in TYPES.items():
        found[name]["Type"] = kind
    for name, function in FUNCTIONS.items():
        cast(Json, found[name]["Properties"])["ReservedConcurrentExecutions"] = CONCURRENCY[function]
    for name in ("ApiHandlerLogGroup", "RevokerLogGroup", "DoctorLogGroup"):
        cast(Json, found[name]["Properties"])["RetentionInDays"] = DAYS
    return found


def named(logical_id: str, properties: Json) -> str:
    """What AWS calls a resource."""
    for key in ("FunctionName", "TableName", "LogGroupName", "RoleName"):
        name = properties.get(key)
        if isinstance(name, dict) and "Mapping" not in logical_id and TYPES.get(logical_id) != "mapping":
            text = str(name.get("Fn::Sub", STACK if name == {"Ref": "AWS::StackName"} else ""))
            if text:
                return text.replace("${AWS::StackName}", STACK).replace("${AWS::Region}", "eu-west-1")
    return f"id-of-{logical_id}"


def verdict(name: str, account: str = ACCOUNT, **said: object) -> Json:
    """What the doctor answers of a role, in order unless told otherwise."""
    return {
        "Role": name,
        "Arn": f"arn:aws:iam::{account}:role/{name}",
        "ExternalId": None,
        "MaxDuration": 3600,
        "Granted": not said.get("Lacks"),
        "Lacks": [],
        "Unknown": None,
        "DemandsExternalId": None,
        **said,
    }


def denied(action: str) -> NotTold:
    """What the reader says of a right that is missing."""
    return NotTold(f"your AWS credentials do not give you {action}", "denied", action)


@dataclass
class FakeAws:
    """A stage in order.

    Attributes:
        verdicts: what the doctor says, by role.
        answers: what is answered otherwise, by service and method: a function of the arguments, or what is raised.
        asked: each call.
    """

    verdicts: dict[str, Json] = field(default_factory=lambda: {"reader": verdict("reader")})
    answers: dict[str, Callable[[Json], object] | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    resources: dict[str, Json] = field(default_factory=template)
    invocations: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, service: str, method: str, **arguments: object) -> Json:
        return cast(Json, self._answer(f"{service}.{method}", arguments))

    def every(self, service: str, method: str, key: str, **arguments: object) -> list[Json]:
        return cast(list[Json], self._answer(f"{service}.{method}", arguments))

    def invoke(self, function: str, event: Mapping[str, object]) -> Json:
        assert function == f"{STACK}-doctor"
        return cast(Json, self._answer("lambda.invoke", dict(event)))

    def _answer(self, call: str, arguments: Json) -> object:
        with self._lock:
            self.asked.append(call)
        told = self.answers.get(call)
        if isinstance(told, Exception):
            raise told
        if told is not None:
            return told(arguments)
        return self.usual(call, arguments)

    def names(self) -> dict[str, str]:
        return {
            name: f"id-of-{name}"
            if "EventSource" in str(one["Type"])
            else named(name, cast(Json, one.get("Properties", {})))
            for name, one in self.resources.items()
        }

    def usual(self, call: str, arguments: Json) -> object:
        """What is answered where all is in order."""
        match call:
            case "cloudformation.describe_stacks":
                outputs = {"FunctionRoleArn": ROLE, "RevokerRoleArn": REVOKER_ROLE, "ConfigurationDigest": "d" * 64}
                listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
                arn = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/{STACK}/1"
                return {"Stacks": [{"StackId": arn, "StackStatus": "UPDATE_COMPLETE", "Outputs": listed}]}
            case "cloudformation.list_stack_resources":
                return [{"LogicalResourceId": key, "PhysicalResourceId": name} for key, name in self.names().items()]
            case "cloudformation.get_template":
                return {"TemplateBody": {"Resources": self.resources}}
            case "iam.get_account_authorization_details":
                return [{"Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"} for name in self.verdicts]
            case "iam.get_account_summary":
                return {"SummaryMap": {}}
            case "lambda.invoke":
                return self._doctor(arguments)
            case "lambda.get_function_configuration":
                name = arguments["FunctionName"]
                return {"State": "Active", "Role": REVOKER_ROLE if name == FUNCTIONS["Revoker"] else ROLE}
            case "lambda.get_function_concurrency":
                return {"ReservedConcurrentExecutions": CONCURRENCY[str(arguments["FunctionName"])]}
            case "lambda.list_event_source_mappings":
                return [{"UUID": f"id-of-{name}", "State": "Enabled"} for name in ("RevokerWrites", "RevokerProves")]
            case "lambda.get_account_settings":
                return {"AccountLimit": {"UnreservedConcurrentExecutions": 900}}
            case "dynamodb.describe_table":
                (meant,) = [p for p in self._properties() if named("", p) == arguments["TableName"]]
                stream = cast(Json, meant.get("StreamSpecification") or {})
                more = {"StreamSpecification": {**stream, "StreamEnabled": True}} if stream else {}
                return {"Table": {**meant, **more, "TableStatus": "ACTIVE"}}
            case "dynamodb.describe_time_to_live":
                return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}}
            case "logs.describe_log_groups":
                return [{"logGroupName": arguments["logGroupNamePrefix"], "retentionInDays": DAYS}]
            case "logs.filter_log_events":
                return []
            case "cloudwatch.describe_alarms":
                dimensions = [{"Name": "FunctionName", "Value": STACK}]
                return [{"AlarmName": "errors", "StateValue": "OK", "Dimensions": dimensions}]
            case "cloudwatch.get_metric_statistics":
                return {"Datapoints": []}
        raise AssertionError(f"nobody should ask for {call}")

    def _properties(self) -> list[Json]:
        return [cast(Json, one["Properties"]) for one in self.resources.values() if "TableName" in str(one)]

    def _doctor(self, event: Json) -> Json:
        with self._lock:
            self.invocations += 1
        if "List" in event:
            first = cast(int, event["List"])
            page = list(self.verdicts.values())[first : first + 5000]
            following = first + len(page)
            roles = [{"Role": one["Role"], "Arn": one["Arn"]} for one in page]
            return {
                "Configuration": "d" * 64,
                "Roles": roles,
                "Next": following if following < len(self.verdicts) else None,
            }
        return {"Configuration": "d" * 64, "Roles": [self.verdicts[name] for name in cast(list[str], event["Examine"])]}
