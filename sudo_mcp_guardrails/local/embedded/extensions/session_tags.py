"""Gap: ministack forgets which session tags are transitive.

Transitive tags are carried to every session further down the chain, cannot be overridden there, and are in
`sts:TransitiveTagKeys` when a trust policy is evaluated. Passing or carrying tags needs `sts:TagSession` from the
caller and from the trust policy (ministack asks the trust policy alone, and only for tags that are passed).
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ministack.core.router import extract_access_key_id
from ministack.services import sts

from . import authorization
from .attempts import HttpRequest

if TYPE_CHECKING:
    from .attempts import Attempt

ACTION = "sts:TagSession"


def install() -> None:
    """Add the keys, the permission and the stickiness."""
    authorization.add_context(_keys)
    authorization.add_trust_actions(lambda request: [ACTION] if _tags_session(request) else [])
    authorization.add_request_check(_may_tag)
    _wrap_sts()


def _is_assume_role(request: HttpRequest) -> bool:
    return request.service == "sts" and request.text("Action") == "AssumeRole"


def _passed(request: HttpRequest) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in sts._extract_tags({k: [v] for k, v in request.form().items()})}


def _transitive(request: HttpRequest) -> list[str]:
    form = request.form()
    return [value for name, value in sorted(form.items()) if name.startswith("TransitiveTagKeys.member.")]


def _carried(headers: Any) -> list[dict[str, str]]:
    """Return the transitive tags of the calling session."""
    session = sts._sessions.get(extract_access_key_id(headers)) or {}
    sticky = {key.lower() for key in session.get("TransitiveTagKeys") or []}
    return [tag for tag in session.get("SessionTags") or [] if tag["Key"].lower() in sticky]


def _tags_session(request: HttpRequest) -> bool:
    return _is_assume_role(request) and bool(_passed(request) or _carried(request.headers))


def _keys(action: str, resource: str, request: HttpRequest | None) -> dict[str, Any]:
    del resource
    if request is None or not action.startswith("sts:") or not _is_assume_role(request):
        return {}
    passed = _passed(request)
    keys: dict[str, Any] = {f"aws:requesttag/{name.lower()}": value for name, value in passed.items()}
    if passed:
        keys["aws:tagkeys"] = sorted(passed)
    if _transitive(request):
        keys["sts:transitivetagkeys"] = _transitive(request)
    return keys


def _may_tag(attempt: Attempt) -> Any:
    if attempt.action != "sts:AssumeRole" or attempt.request is None or not _tags_session(attempt.request):
        return None
    return authorization.decide(
        attempt.principal,
        ACTION,
        attempt.resource,
        region=attempt.region,
        context=attempt.context,
        request=attempt.request,
    )


def _invalid(request: HttpRequest) -> str:
    passed = {name.lower() for name in _passed(request)}
    sticky = {tag["Key"].lower() for tag in _carried(request.headers)}
    for name in _transitive(request):
        if name.lower() not in passed:
            return f"The specified transitive tag key must be included in the requested tags: {name}"
    conflicts = sorted(passed & sticky)
    if conflicts:
        return (
            f"One of the specified tag keys can't be set because it conflicts with a transitive tag key from the "
            f"calling session: {', '.join(conflicts)}"
        )
    return ""


def _wrap_sts() -> None:
    handle, register = sts.handle_request, sts.register_session

    def register_session(access_key: str, session: dict[str, Any]) -> None:
        request = authorization.current_request()
        if request is not None and _is_assume_role(request):
            carried = _carried(request.headers)
            sticky = [tag["Key"] for tag in carried] + _transitive(request)
            session = {
                **session,
                "SessionTags": carried + list(session.get("SessionTags") or []),
                "TransitiveTagKeys": sticky,
            }
        register(access_key, session)

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        request = HttpRequest("sts", method, path, headers, body, query)
        problem = _invalid(request) if _is_assume_role(request) else ""
        if problem:
            return sts._error(400, "InvalidParameterValue", escape(problem), ns="sts")
        return await handle(method, path, headers, body, query)

    sts.register_session = register_session
    sts.handle_request = handle_request
