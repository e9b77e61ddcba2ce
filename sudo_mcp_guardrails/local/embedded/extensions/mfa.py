"""Gap: `aws:MultiFactorAuthPresent` is never true in ministack.

It is true, with `aws:MultiFactorAuthAge`, for a session of GetSessionToken made with `SerialNumber` and `TokenCode` of
an MFA device that belongs to the calling user, and while the trust policy of an AssumeRole that carries both is
evaluated; the session that AssumeRole returns carries neither, as at AWS. A device that is not the caller's is
refused. ministack's devices have no usable seed, so any six digits pass as the code: real MFA is not shown here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
"""

from __future__ import annotations

import re
import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.core.router import extract_access_key_id
from ministack.services import iam, sts

from . import authorization
from .attempts import HttpRequest

_MAKERS = frozenset({"AssumeRole", "GetSessionToken"})


def install() -> None:
    """Add the keys and check the devices."""
    authorization.add_principal_keys(_principal_keys)
    _wrap_sts()


def _device_problem(request: HttpRequest, user: str) -> str:
    """Return why the MFA parameters of a request do not count, empty when they do or when there are none."""
    serial, code = request.text("SerialNumber"), request.text("TokenCode")
    if not serial and not code:
        return ""
    device = iam._mfa_devices.get_scoped(iam_evaluator._account_from_arn(serial) or "", None, serial)
    if not user or device is None or device.get("User") != user:
        return "MultiFactorAuthentication failed, unable to validate MFA code. The device is not the caller's."
    return (
        "" if re.fullmatch(r"\d{6}", code) else "MultiFactorAuthentication failed with invalid MFA one time pass code."
    )


def _with_device(request: HttpRequest | None, user: str) -> bool:
    return (
        request is not None
        and request.service == "sts"
        and request.text("Action") in _MAKERS
        and bool(request.text("SerialNumber"))
        and not _device_problem(request, user)
    )


def _principal_keys(credential: Any, keys: dict[str, Any]) -> None:
    session = sts._sessions.get(credential.access_key_id) or {}
    since = session.get("MfaSince")
    if (
        since is None
        and credential.principal_type == "User"
        and _with_device(authorization.current_request(), credential.principal_name)
    ):
        since = time.time()
    if since is not None:
        keys["aws:multifactorauthpresent"] = "true"
        keys["aws:multifactorauthage"] = str(int(time.time() - since))


def _wrap_sts() -> None:
    handle, register = sts.handle_request, sts.register_session

    def register_session(access_key: str, session: dict[str, Any]) -> None:
        request = authorization.current_request()
        if session.get("PrincipalType") == "User" and _with_device(request, str(session.get("PrincipalName") or "")):
            session = {**session, "MfaSince": time.time()}
        register(access_key, session)

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        request = HttpRequest("sts", method, path, headers, body, query)
        if request.text("Action") in _MAKERS and (request.text("SerialNumber") or request.text("TokenCode")):
            credential = iam_evaluator.resolve_credential(extract_access_key_id(headers, query), get_account_id())
            user = (
                getattr(credential, "principal_name", "") if getattr(credential, "principal_type", "") == "User" else ""
            )
            problem = _device_problem(request, user)
            if problem:
                return sts._error(403, "AccessDenied", problem, ns="sts")
        return await handle(method, path, headers, body, query)

    sts.register_session = register_session
    sts.handle_request = handle_request
