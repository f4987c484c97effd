"""What parliament, a linter of IAM policies, finds: run by the Python of the virtualenv `lint`.

Reads `{name: policy}` from standard input, and writes `[[name, issue, detail], ...]`. parliament's own command is not
used, as it writes to a file of a known name below /tmp.
"""

import json
import sys

import parliament


def main() -> None:
    found = [
        [name, finding.issue, finding.detail or finding.location.get("string", "")]
        for name, policy in json.load(sys.stdin).items()
        for finding in parliament.analyze_policy_string(json.dumps(policy)).findings
    ]
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main()
