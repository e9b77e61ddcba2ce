"""Gap: ministack ignores `SourceIdentity` altogether.

`sts:SourceIdentity` is there when a trust policy is evaluated, `aws:SourceIdentity` in every later call; setting or
carrying one needs `sts:SetSourceIdentity` from the caller and from the trust policy; a chained session keeps it and
cannot change it; the answer of AssumeRole repeats it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ministack.core.router import extract_access_key_id
from ministack.services import sts

from . import authorization
from .attempts import HttpRequest

if TYPE_CHECKING:
    from .attempts import Attempt

ACTION = "sts:SetSourceIdentity"
_VALID = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def install() -> None:
    """Add the keys, the permission, the stickiness and the echo."""
    authorization.add_context(_keys)
    authorization.add_principal_keys(_principal_keys)
    authorization.add_trust_actions(lambda request: [ACTION] if wanted(request) else [])
    authorization.add_request_check(_may_set)
    _wrap_sts()


def inherited(headers: Any) -> str:
    """Return the source identity of the calling session, empty when it has none."""
    session = sts._sessions.get(extract_access_key_id(headers)) or {}
    return str(session.get("SourceIdentity") or "")


def wanted(request: HttpRequest) -> str:
    """Return the source identity that an AssumeRole would give its session, empty when none."""
    if request.service != "sts" or request.text("Action") != "AssumeRole":
        return ""
    return inherited(request.headers) or request.text("SourceIdentity")


def _keys(action: str, resource: str, request: HttpRequest | None) -> dict[str, str]:
    del resource
    if request is None or action.split(":", 1)[0] != "sts":
        return {}
    value = wanted(request)
    return {"sts:sourceidentity": value} if value else {}


def _principal_keys(credential: Any, keys: dict[str, Any]) -> None:
    session = sts._sessions.get(credential.access_key_id) or {}
    if session.get("SourceIdentity"):
        keys["aws:sourceidentity"] = session["SourceIdentity"]


def _may_set(attempt: Attempt) -> Any:
    if attempt.action != "sts:AssumeRole" or attempt.request is None or not wanted(attempt.request):
        return None
    return authorization.decide(
        attempt.principal,
        ACTION,
        attempt.resource,
        region=attempt.region,
        context=attempt.context,
        request=attempt.request,
    )


def _wrap_sts() -> None:
    handle, register = sts.handle_request, sts.register_session

    def register_session(access_key: str, session: dict[str, Any]) -> None:
        request = authorization.current_request()
        value = wanted(request) if request else ""
        register(access_key, {**session, "SourceIdentity": value} if value else session)

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        request = HttpRequest("sts", method, path, headers, body, query)
        if request.text("Action") == "AssumeRole":
            asked, carried = request.text("SourceIdentity"), inherited(headers)
            if asked and not _VALID.fullmatch(asked):
                return sts._error(400, "ValidationError", f"Invalid SourceIdentity: {escape(asked)}", ns="sts")
            if asked and carried and asked != carried:
                return sts._error(403, "AccessDenied", "The source identity of a session cannot be changed", ns="sts")
        status, answer_headers, answer = await handle(method, path, headers, body, query)
        value = wanted(request)
        if status == HTTPStatus.OK and value:
            echo = f"<SourceIdentity>{escape(value)}</SourceIdentity></AssumeRoleResult>"
            answer = answer.replace(b"</AssumeRoleResult>", echo.encode())
        return status, answer_headers, answer

    sts.register_session = register_session
    sts.handle_request = handle_request
