"""Call a function by its URL on the embedded AWS, signed as a session of IAM."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def call_function_url(
    endpoint_url: str,
    url: str,
    session: Any,
    body: Mapping[str, Any] | None,
    *,
    method: str = "POST",
    path: str = "/",
    region: str,
) -> tuple[int, dict[str, Any]]:
    """Send one signed request, and return the status and the body; what is no JSON comes as ``error``.

    Args:
        endpoint_url: of the embedded AWS.
        url: of the function, as a stack's output gives it.
        session: who calls.
        body: JSON; None for none.
        method: of HTTP.
        path: below the URL.
        region: of the function.
    """
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - slow to import
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415

    url_id = str(urlsplit(url).hostname).split(".", 1)[0]
    request = AWSRequest(
        method=method,
        url=f"{endpoint_url}/_aws/lambda-url/{url_id}{path}",
        data=b"" if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    SigV4Auth(session.get_credentials(), "lambda", region).add_auth(request)
    answer = URLLib3Session(proxies={}, timeout=60).send(request.prepare())
    try:
        found = json.loads(answer.content)
    except ValueError:
        found = {"error": answer.content.decode(errors="replace")[:200]}
    return answer.status_code, found
