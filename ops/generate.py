"""Files that are made from others: the function's IAM policy and the JSON Schema of the catalog.

`python -m ops.generate` writes them; with `--check` it only says, with exit status 1, which are out of date.
"""

import argparse
import json
import sys
from pathlib import Path

from chalicelib.catalog import Catalog, catalog_json_schema, load_catalog
from chalicelib.errors import ConfigError
from chalicelib.issuers import issuers_json_schema
from ops.environments import ROOT


def iam_policy(catalog: Catalog) -> dict[str, object]:
    """What the function may do: assume exactly the catalog's roles, find API tokens, write its own log and traces."""
    assume: dict[str, object] = {
        "Sid": "AssumeCatalogRoles",
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Resource": sorted(role.arn for role in catalog.roles),
    }
    write_log: dict[str, object] = {
        "Sid": "WriteOwnLog",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {
            "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
            ":log-group:/aws/lambda/${AWS::StackName}:*"
        },
    }
    write_traces: dict[str, object] = {
        "Sid": "WriteTraces",
        "Effect": "Allow",
        "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        "Resource": "*",  # X-Ray knows no narrower resource for these two
    }
    table = {"Fn::GetAtt": ["TokensTable", "Arn"]}
    find_tokens: dict[str, object] = {
        "Sid": "FindApiTokens",
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem"],
        "Resource": table,
    }
    # Nothing but when they were used: a function gone astray must not bring a revoked token back.
    note_use_of_tokens: dict[str, object] = {
        "Sid": "NoteUseOfApiTokens",
        "Effect": "Allow",
        "Action": ["dynamodb:UpdateItem"],
        "Resource": table,
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["hash", "last_used"]},
            "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE"]},
        },
    }
    # IAM takes no empty list of resources.
    statements = ([assume] if catalog.roles else []) + [find_tokens, note_use_of_tokens, write_log, write_traces]
    return {"Version": "2012-10-17", "Statement": statements}


def write_policy(root: Path) -> None:
    """Write the function's IAM policy, `.chalice/policy.json`, for the catalog below `root`.

    Raises:
        ConfigError: the catalog is invalid.
    """
    path, text = _policy_file(root)
    path.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    check = parser.parse_args(arguments).check
    try:
        files = dict([_policy_file(ROOT)]) | {
            ROOT / "chalicelib/config/roles.schema.json": _text(catalog_json_schema()),
            ROOT / "chalicelib/config/issuers.schema.json": _text(issuers_json_schema()),
        }
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is out of date: run `make generate`", file=sys.stderr)
        else:
            path.write_text(files[path], encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if check and stale else 0


def _policy_file(root: Path) -> tuple[Path, str]:
    return root / ".chalice/policy.json", _text(iam_policy(load_catalog(root / "chalicelib/config/roles.yaml")))


def _text(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
