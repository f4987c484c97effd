"""What Lambda takes of a function: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

import json
import sys
from collections.abc import Mapping
from typing import Final

from local.strict.refusal import Refusal

# Zipped, and sent with the request; what comes from a bucket may be larger.
ZIP_BYTES: Final = 50 * 1024 * 1024
ENVIRONMENT_BYTES: Final = 4 * 1024
# Functions run with the Python that ministack runs with.
RUNTIME: Final = "python{}.{}".format(*sys.version_info)


def check_code(zip_file: object) -> Refusal | None:
    """What Lambda says of a package that comes with the request, in base64, or None."""
    if not isinstance(zip_file, str) or len(zip_file.rstrip("=")) * 3 // 4 <= ZIP_BYTES:
        return None
    return Refusal("RequestEntityTooLargeException", f"A package in a request is {ZIP_BYTES} bytes or less.", 413)


def check_environment(environment: object) -> Refusal | None:
    """What Lambda says of a function's variables, together and as JSON, or None."""
    variables = environment.get("Variables") if isinstance(environment, Mapping) else None
    if not variables or len(json.dumps(variables, separators=(",", ":")).encode()) <= ENVIRONMENT_BYTES:
        return None
    # AWS repeats the variables here; they may hold secrets.
    problem = "the environment variables you have provided exceeded the 4KB limit."
    return _invalid(f"Lambda was unable to configure your environment variables because {problem}")


def check_runtime(runtime: object) -> Refusal | None:
    """AWS runs a function with the Python that it names; here there is one alone."""
    if not isinstance(runtime, str) or not runtime.startswith("python") or runtime == RUNTIME:
        return None
    return _invalid(f"The local AWS runs functions with {RUNTIME}, not with {runtime}.")


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidParameterValueException", message)
