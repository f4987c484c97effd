"""template.yaml adds to the template, and takes nothing from it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import ConfigError
from ops.template.overlay import merge_overlay, read_overlay
from tests.unit.ops.template.test_stage_template import template


def merged(tmp_path: Path, text: str, name: str = "template.yaml") -> dict[str, Any]:
    (tmp_path / name).write_text(text)
    result = template()
    merge_overlay(result, read_overlay(tmp_path))
    return result


def added(properties: str, kind: str) -> str:
    return f"Resources: {{Mine: {{Type: AWS::Lambda::Function}}, New: {{Type: {kind}, Properties: {properties}}}}}"


def own(name: str, text: str) -> str:
    return f"Resources: {{{name}: {text}}}"


def test_nothing_there_changes_nothing(tmp_path: Path) -> None:
    result = template()
    merge_overlay(result, read_overlay(tmp_path))
    assert result == template()


def test_short_tags_are_written_out(tmp_path: Path) -> None:
    topic = merged(
        tmp_path,
        """
Conditions:
  Big: !Not [!Equals [!Ref AWS::Region, eu-central-1]]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: Big
    Properties:
      TopicName: !Join ["-", [!Ref AWS::StackName, !Select [0, !Split [",", "a,b"]]]]
      DisplayName: !Sub ["${A} 2012", {A: !GetAtt Nested.Outputs.Name}]
      KmsMasterKeyId: !If [Big, !ImportValue key, !Ref AWS::NoValue]
      Since: 2012-10-17
""",
    )
    assert topic["Conditions"] == {"Big": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-central-1"]}]}}
    assert topic["Resources"]["Topic"]["Properties"] == {
        "TopicName": {"Fn::Join": ["-", [{"Ref": "AWS::StackName"}, {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}]]},
        "DisplayName": {"Fn::Sub": ["${A} 2012", {"A": {"Fn::GetAtt": ["Nested", "Outputs.Name"]}}]},
        "KmsMasterKeyId": {"Fn::If": ["Big", {"Fn::ImportValue": "key"}, {"Ref": "AWS::NoValue"}]},
        "Since": "2012-10-17",
    }


def test_json_is_taken_as_well(tmp_path: Path) -> None:
    text = json.dumps({"Outputs": {"Region": {"Value": {"Ref": "AWS::Region"}}}}, indent="\t")
    assert merged(tmp_path, text, "template.json")["Outputs"]["Region"] == {"Value": {"Ref": "AWS::Region"}}


def test_what_may_be_added_to_credvend_s_own_resources_is(tmp_path: Path) -> None:
    result = merged(
        tmp_path,
        """
Resources:
  ApiHandlerLogGroup:
    Type: AWS::Logs::LogGroup
    Metadata: {checkov: {skip: []}}
    Properties: {RetentionInDays: 731, Tags: [{Key: a, Value: b}]}
  APIHandler:
    Properties: {Tags: {a: b}}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {Dimensions: [{Name: FunctionName, Value: !Ref APIHandler}]}
""",
    )
    expected = template()
    log_group = expected["Resources"]["ApiHandlerLogGroup"]
    log_group["Metadata"] = {"checkov": {"skip": []}}
    log_group["Properties"] |= {"RetentionInDays": 731, "Tags": [{"Key": "a", "Value": "b"}]}
    expected["Resources"]["APIHandler"]["Properties"]["Tags"] = {"a": "b"}
    dimensions = [{"Name": "FunctionName", "Value": {"Ref": "APIHandler"}}]
    expected["Resources"]["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Dimensions": dimensions}}
    assert result == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Parameters: {A: {Type: String}}", "no Parameters here: nothing gives them values"),
        ("Transform: AWS::LanguageExtensions", "no Transform here"),
        ("Globals: {Function: {Handler: mine.handler}}", "no Globals here"),
        ("Resource: {}", "unknown section 'Resource'; there are"),
        ("Resources: []", "Resources must hold names"),
        ("Resources: {A: {Fn::Transform: {Name: AWS::Include}}}", "no Fn::Transform and no Fn::ForEach here"),
        ("Resources: {A: !Transform x}", "unknown tag !Transform"),
        ("Resources: {A: 1, A: 2}", "a key stands twice"),
        ("Mappings: {A: !!set {x}}", "holds what JSON does not know"),
        ("Outputs: {FunctionRoleArn: {Value: x}}", "Outputs.FunctionRoleArn is credvend's own"),
        (own("APIHandler", "{Properties: {Handler: mine.handler}}"), ".Handler is credvend's own: leave it out"),
        (own("APIHandler", "{Properties: {CodeUri: s3://mine/code}}"), ".CodeUri is credvend's own"),
        (own("APIHandler", "{Properties: {Layers: [arn]}}"), ".Layers is credvend's own"),
        (own("APIHandler", "{Properties: {Environment: {Variables: {}}}}"), ".Environment is credvend's own"),
        (own("APIHandler", "{Properties: {MemorySize: 1}}"), "set `memory` in stage.yaml"),
        (own("APIHandler", "{Properties: {Tags: [{Key: a, Value: b}]}}"), "must be a mapping"),
        (own("APIHandler", "{DependsOn: []}"), ".DependsOn is credvend's own and stays"),
        (own("APIHandler", "{Connectors: {}}"), ".Connectors is credvend's own and stays"),
        (own("RestAPI", "{Condition: Never}"), ".Condition is credvend's own and stays"),
        (own("RestAPI", "{Type: AWS::SNS::Topic}"), ".Type is credvend's own and stays"),
        (own("RestAPI", "{Properties: {DefinitionBody: {paths: {}}}}"), "set `accounts` or `organization` in stage"),
        (own("RestAPI", "{Properties: {Auth: {}}}"), ".Auth is credvend's own"),
        (own("ApiHandlerRole", "{Properties: {Policies: []}}"), "rights are made from roles.yaml"),
        (own("ApiHandlerRole", "{Properties: {ManagedPolicyArns: []}}"), "rights are made from roles.yaml"),
        (own("ApiHandlerRole", "{Properties: {AssumeRolePolicyDocument: {}}}"), "rights are made from roles.yaml"),
        (own("ApiHandlerLogGroup", "{Properties: {RetentionInDays: 364}}"), "must be a number of days, 365 or more"),
        (own("ApiHandlerLogGroup", "{Properties: {RetentionInDays: !Ref X}}"), "must be a number of days"),
        (own("ApiHandlerLogGroup", "{DeletionPolicy: Delete}"), ".DeletionPolicy is credvend's own and stays"),
        (own("TokensTable", "{Properties: {SSESpecification: {SSEEnabled: false}}}"), "set `kms.tables` in stage"),
        (own("UsedTokensTable", "{Properties: {SSESpecification: {SSEEnabled: false}}}"), "set `kms.tables` in stage"),
        ("Resources: {RestAPIExtra: {Type: AWS::SNS::Topic}}", "begins as credvend's own do"),
        ("Resources: {New: {Properties: {}}}", "must have a Type"),
        (added("{}", "AWS::Serverless::Function"), "is not taken: SAM may change credvend's function"),
        ("Resources: {New: {Type: AWS::SNS::Topic, Connectors: {}}}", ".Connectors is no attribute"),
        (added("{FunctionName: !Ref APIHandler}", "AWS::Lambda::Permission"), "as good as every role of the catalog"),
        (added("{FunctionName: credvend-prod}", "AWS::Lambda::Permission"), "must be a !Ref or !GetAtt of a resource"),
        (added("{FunctionName: !Ref AWS::StackName}", "AWS::Lambda::Permission"), "must be a !Ref or !GetAtt"),
        (added("{FunctionName: !Ref Doctor}", "AWS::Lambda::Permission"), "(AWS::Lambda::Permission) refers to Doctor"),
        (added("{TargetFunctionArn: !GetAtt Doctor.Arn}", "AWS::Lambda::Url"), "(AWS::Lambda::Url) refers to Doctor"),
        (own("Doctor", "{Properties: {Role: x}}"), "is credvend's own"),
        ("Resources: {DoctorExtra: {Type: AWS::SNS::Topic}}", "begins as credvend's own do"),
        (added("{TargetFunctionArn: !GetAtt APIHandler.Arn}", "AWS::Lambda::Url"), "as good as every role"),
        (added("{TargetFunctionArn: !Sub '${APIHandler.Arn}'}", "AWS::Lambda::Url"), "as good as every role"),
        (added("{Targets: [{Arn: !GetAtt APIHandler.Arn}]}", "AWS::Events::Rule"), "as good as every role"),
        (added("{Role: !GetAtt ApiHandlerRole.Arn}", "AWS::Lambda::Function"), "as good as every role"),
        (added("{Roles: [!Ref ApiHandlerRole]}", "AWS::IAM::Policy"), "refers to ApiHandlerRole"),
        (added("{ExecutionRoleArn: !GetAtt ApiHandlerRole.Arn}", "AWS::Synthetics::Canary"), "as good as every role"),
        (added("{RunConfig: {EnvironmentVariables: {F: !Ref APIHandler}}}", "AWS::Synthetics::Canary"), "as good as"),
        (
            added("{AlarmActions: [!GetAtt ApiHandlerRole.Arn]}", "AWS::CloudWatch::Alarm"),
            "only SSM parameters and Out",
        ),
        (added("{Roles: [credvend-prod-eu-central-1]}", "AWS::IAM::ManagedPolicy"), "must be a !Ref or !GetAtt"),
        (added("{RestApiId: !Ref RestAPI}", "AWS::ApiGateway::Method"), "must be a !Ref or !GetAtt of a resource"),
    ],
)
def test_what_would_change_credvend_is_refused_with_what_to_do_instead(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        merged(tmp_path, text)
    assert said in str(refused.value) and str(refused.value).startswith("template.yaml: ")


def test_functions_and_roles_of_the_file_itself_may_be_attached_to(tmp_path: Path) -> None:
    text = added("{FunctionName: !GetAtt Mine.Arn}", "AWS::Lambda::Permission")
    assert "New" in merged(tmp_path, text)["Resources"]


def test_the_role_s_name_may_be_said_on(tmp_path: Path) -> None:
    parameter = added("{Type: String, Value: !GetAtt ApiHandlerRole.Arn}", "AWS::SSM::Parameter")
    output = "Outputs: {Role: {Value: !GetAtt ApiHandlerRole.Arn}}"
    assert "Role" in merged(tmp_path, f"{parameter}\n{output}")["Outputs"]


def test_a_refused_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Outputs: {New: {Value: x}}\nGlobals: {}")
    result = template()
    before = copy.deepcopy(result)
    with pytest.raises(ConfigError):
        merge_overlay(result, read_overlay(tmp_path))
    assert result == before


def test_two_files_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("{}")
    (tmp_path / "template.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"there are template\.yaml and template\.json"):
        read_overlay(tmp_path)
