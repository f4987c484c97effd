"""Files that are made from others: the function's IAM policy, and the JSON Schemas of what adopters write.

`python -m ops.generate` writes them; with `--check` it only says, with exit status 1, which are out of date.
"""

import argparse
import sys

from chalicelib.configuration.accounts_file import accounts_json_schema
from chalicelib.configuration.catalog_file import catalog_json_schema, read_catalog
from chalicelib.configuration.issuers_file import issuers_json_schema
from chalicelib.configuration.sessions_file import sessions_json_schema
from chalicelib.errors import ConfigError
from ops.documents.json_object import json_text
from ops.environments import ROOT
from ops.iam.function_policy import POLICY_FILE, iam_policy
from ops.iam.revoker_policy import REVOKER_POLICY_FILE, revoker_policy
from ops.policy_tests.entries import tests_json_schema
from ops.stages.stage_file import stage_json_schema


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    check = parser.parse_args(arguments).check
    try:
        catalog = read_catalog(ROOT / "chalicelib/config/roles.yaml")
        files = {
            ROOT / POLICY_FILE: json_text(iam_policy(catalog)),
            ROOT / REVOKER_POLICY_FILE: json_text(revoker_policy(catalog, None)),
            ROOT / "chalicelib/config/accounts.schema.json": json_text(accounts_json_schema()),
            ROOT / "chalicelib/config/roles.schema.json": json_text(catalog_json_schema()),
            ROOT / "chalicelib/config/issuers.schema.json": json_text(issuers_json_schema()),
            ROOT / "chalicelib/config/sessions.schema.json": json_text(sessions_json_schema()),
            ROOT / "chalicelib/config/stage.schema.json": json_text(stage_json_schema()),
            ROOT / "chalicelib/config/tests.schema.json": json_text(tests_json_schema()),
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


if __name__ == "__main__":
    sys.exit(main())
