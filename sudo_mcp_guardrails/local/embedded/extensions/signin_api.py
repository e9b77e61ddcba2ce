"""Gap: ministack has no AWS Sign-In, so minting OAuth tokens for an MCP server cannot be tried.

A request that is signed for the service `signin` is authorized as `signin:CreateOAuth2Token` or
`signin:AuthorizeOAuth2Access` (form field `Action`) on the `service-principal/...` or `oauth2/public-client/...` that
its form field `resource` names; one that is allowed is answered "not implemented", as nothing is minted here.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssignin.html
"""

from __future__ import annotations

import json
from typing import Any

from ministack import app as server
from ministack.core import iam_actions

from .attempts import PARTITION, HttpRequest

SERVICE = "signin"


def install() -> None:
    """Route, authorize and answer requests to `signin`."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    server.SERVICE_HANDLERS[SERVICE] = _answer
    detect, resource_arn = server.detect_service, iam_actions.extract_resource_arn

    def detect_service(method: str, path: str, headers: Any, query: Any) -> Any:
        if f"/{SERVICE}/aws4_request" in headers.get("authorization", ""):
            return SERVICE
        return detect(method, path, headers, query)

    def extract_resource_arn(*arguments: Any) -> Any:
        service, method, path, headers, body, query, region, account = arguments
        if service != SERVICE:
            return resource_arn(*arguments)
        named = HttpRequest(service, method, path, headers, body, query).text("resource")
        kind = "" if "/" in named else "service-principal/"
        return f"arn:{PARTITION}:signin:{region}:{account}:{kind}{named}" if named else "*"

    server.detect_service = detect_service
    iam_actions.extract_resource_arn = extract_resource_arn


async def _answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    del method, path, headers, body, query
    answer = {"__type": "NotImplementedException", "message": "allowed; tokens are not minted by the embedded AWS"}
    return 501, {"Content-Type": "application/json"}, json.dumps(answer).encode()
