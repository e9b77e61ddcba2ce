"""Signed requests that no SDK makes, to see whether the embedded AWS refuses them.

The SDK pinned here has no model of STS's newest operations (`GetScopedCredentials`) and none of AWS Sign-In's token
operations, so a scenario signs them itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODE = re.compile(r'<Code>([^<]*)</Code>|"__type":\s*"([^"]*)"')
_MESSAGE = re.compile(r'<Message>([^<]*)</Message>|"[Mm]essage":\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Answer:
    """What came back: the HTTP status, and the error's code and message, empty on success."""

    status: int
    code: str
    message: str

    @property
    def denied(self) -> bool:
        """Whether authorization refused it; an operation that is merely not implemented was authorized."""
        return self.code.startswith(("AccessDenied", "AuthorizationError"))


def signed_call(
    session: Any,
    endpoint_url: str,
    service: str,
    fields: Mapping[str, str],
    *,
    region: str = "us-east-1",
    user_agent: str = "",
) -> Answer:
    """Send one form-encoded POST, signed with SigV4 for `service`.

    Args:
        session: a boto3 session whose credentials sign.
        endpoint_url: the embedded AWS.
        service: signing name, such as `sts` or `signin`.
        fields: the form, with the operation in `Action`.
        region: the Region to sign for.
        user_agent: sent as it is; `mcp_keys` reads its marker from here.

    Returns:
        The answer, whatever its status.
    """
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - slow to import, and not at import time of the package
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if user_agent:
        headers["User-Agent"] = user_agent
    request = AWSRequest(method="POST", url=f"{endpoint_url}/", data=urlencode(fields), headers=headers)
    SigV4Auth(session.get_credentials().get_frozen_credentials(), service, region).add_auth(request)
    # No proxies: only the loopback address may ever be reached.
    http = URLLib3Session(proxies={})
    try:
        response = http.send(request.prepare())
        text = response.content.decode("utf-8", errors="replace")
    finally:
        http.close()
    return Answer(response.status_code, _first(_CODE, text), _first(_MESSAGE, text))


def mint_oauth_token(session: Any, endpoint_url: str, resource: str = "aws-mcp.amazonaws.com") -> Answer:
    """Try `signin:CreateOAuth2Token` for an MCP server, as `aws signin create-oauth2-token-with-iam` does.

    Returns:
        Denied, or status 501 when it was allowed: nothing is minted here.
    """
    return signed_call(session, endpoint_url, "signin", {"Action": "CreateOAuth2Token", "resource": resource})


def scoped_credentials(session: Any, endpoint_url: str, policy: str) -> Answer:
    """Try `sts:GetScopedCredentials` with a scope-down policy.

    Returns:
        Denied, or code `InvalidAction` when it was allowed: ministack does not have the operation.
    """
    return signed_call(
        session, endpoint_url, "sts", {"Action": "GetScopedCredentials", "Version": "2011-06-15", "Policy": policy}
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return next((group for group in found.groups() if group), "") if found else ""
