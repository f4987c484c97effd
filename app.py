"""The routes. What happens behind each is in chalicelib/service.py."""

import gc

# Until everything is in place nothing becomes garbage, and looking for some takes a tenth of a cold start.
gc.disable()

# Before all else, while few calls are open: it compiles large patterns. Python 3.11 and later keep the frames of calls
# in chunks of 16 kB and give each back to the system as soon as it is empty: where a chunk ends just there, deep in the
# imports of botocore, these patterns cost a tenth of a cold start more. docs/performance.md has the figures.
import urllib3.util.url  # noqa: F401 isort: skip

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chalice.app import Chalice, IAMAuthorizer, Response

from chalicelib.assembly import CONFIG, load_doctor, load_revoker, load_service
from chalicelib.configuration.settings import read_settings
from chalicelib.http import HttpEdge

if TYPE_CHECKING:
    from chalicelib.examining.doctor import Context as Asked
    from chalicelib.revocation.revoker import Context

if "AWS_CHALICE_CLI_MODE" in os.environ:  # set by Chalice's commands, never in Lambda
    from chalicelib.chalice_commands import refuse_deployment, settle_region

    refuse_deployment(sys.argv)
    settle_region(os.environ)
app = Chalice(app_name="credvend", configure_logs=False)
settings = read_settings(os.environ)
service = load_service(CONFIG, settings)
edge = HttpEdge(service.record_unforeseen)
gc.freeze()
gc.enable()
iam = IAMAuthorizer()
# Chalice would answer a content type that it does not expect by itself; the use case does it with a record.
ANY = ["*/*"]


# Two schemes to authenticate: under /v1/iam/ API Gateway checks SigV4 signatures; the others take a bearer token.
@app.route("/v1/iam/credentials", methods=["POST"], authorizer=iam, content_types=ANY)
@app.route("/v1/credentials", methods=["POST"], content_types=ANY)
def vend() -> Response:
    return edge.answer(app.current_request, service.vend)


# For AWS's SDKs, which bring what AWS_CONTAINER_AUTHORIZATION_TOKEN holds.
@app.route("/v1/credentials/{role}", content_types=ANY)
def vend_to_sdk(role: str) -> Response:
    return edge.answer(app.current_request, service.vend_to_sdk)


@app.route("/v1/iam/roles", authorizer=iam, content_types=ANY)
@app.route("/v1/roles", content_types=ANY)
def list_roles() -> Response:
    return edge.answer(app.current_request, service.list_roles)


@app.route("/v1/iam/sessions", authorizer=iam, content_types=ANY)
@app.route("/v1/sessions", content_types=ANY)
def list_sessions() -> Response:
    return edge.answer(app.current_request, service.list_sessions)


@app.route("/v1/iam/sessions/{session}", authorizer=iam, content_types=ANY)
@app.route("/v1/sessions/{session}", content_types=ANY)
def read_session(session: str) -> Response:
    return edge.answer(app.current_request, service.read_session)


@app.route("/v1/iam/sessions/{session}/revoke", methods=["POST"], authorizer=iam, content_types=ANY)
@app.route("/v1/sessions/{session}/revoke", methods=["POST"], content_types=ANY)
def revoke_session(session: str) -> Response:
    return edge.answer(app.current_request, service.revoke_session)


@app.route("/v1/iam/whoami", authorizer=iam, content_types=ANY)
@app.route("/v1/whoami", content_types=ANY)
def describe_caller() -> Response:
    return edge.answer(app.current_request, service.describe_caller)


@app.route("/v1/iam/health", authorizer=iam, content_types=ANY)
def health_and_configuration() -> Response:
    return edge.answer(app.current_request, service.report_configuration)


@app.route("/v1/health", content_types=ANY)
def health() -> Response:
    return edge.answer(app.current_request, service.report_health)


# What STS checks credvend's own tokens with; for everybody, and the only answers that are cached.
@app.route("/.well-known/openid-configuration", content_types=ANY)
def describe_issuer() -> Response:
    return edge.answer(app.current_request, service.describe_issuer)


@app.route("/.well-known/jwks.json", content_types=ANY)
def list_keys() -> Response:
    return edge.answer(app.current_request, service.list_keys)


# A function of its own, with a role of its own (.chalice/config.json, ops/iam/revoker_policy.py): the stream of the
# table of revocations invokes it, and nobody else.
@app.lambda_function(name="revoker")
def revoke_sessions(event: Mapping[str, object], context: "Context") -> dict[str, object]:
    return load_revoker(service.configuration(), service.audit_log, settings).handle(event, context)


# A function of its own as well, with the role of the one that vends, which the catalog's roles trust: operators invoke
# it, and nothing else may (.chalice/template.json). What it answers are verdicts, never credentials.
@app.lambda_function(name="doctor")
def examine_roles(event: object, context: "Asked") -> dict[str, object]:
    return load_doctor(service.configuration(), service.audit_log, settings).handle(event, context)
