"""The routes. What happens behind each is in chalicelib/service.py."""

import os

from chalice.app import Chalice, IAMAuthorizer, Response

from chalicelib.http import HttpEdge
from chalicelib.service import CONFIG, load_service

app = Chalice(app_name="credvend", configure_logs=False)
service = load_service(CONFIG, os.environ["AWS_REGION"])
edge = HttpEdge()
iam = IAMAuthorizer()


@app.route("/v1/iam/credentials", methods=["POST"], authorizer=iam, content_types=["*/*"])
def vend() -> Response:
    return edge.answer(app.current_request, service.vend)


@app.route("/v1/iam/roles", authorizer=iam)
def list_roles() -> Response:
    return edge.answer(app.current_request, service.list_roles)


@app.route("/v1/iam/whoami", authorizer=iam)
def describe_caller() -> Response:
    return edge.answer(app.current_request, service.describe_caller)


@app.route("/v1/health")
def health() -> dict[str, str]:
    # Reached at all, the configuration is valid: a service with an invalid one does not start.
    return {"Status": "ok"}
