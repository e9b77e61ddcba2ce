"""The one place where the IAM extensions hang on ministack's `enforce`.

Not an extension itself: a helper that `scp`, `pass_role`, `source_identity` and the others share, so that ministack's
functions are wrapped once however many extensions are installed. Every decision stays with ministack's evaluator
(`evaluate`, `combine_resource_policy`, `resolve_principal`); what is added here are context keys that a request really
carries, layers that must agree, and further permissions that one request needs.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ministack import app as server
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import sts

from .attempts import Attempt, HttpRequest

if TYPE_CHECKING:
    from collections.abc import Mapping


_request: ContextVar[HttpRequest | None] = ContextVar("embedded_request", default=None)
_headers: ContextVar[Mapping[str, str]] = ContextVar("embedded_headers", default=MappingProxyType({}))
_refused: ContextVar[Attempt | None] = ContextVar("embedded_refused", default=None)

_context_sources: list[Any] = []
_layers: list[Any] = []
_request_checks: list[Any] = []
_principal_sources: list[Any] = []
_trust_actions: list[Any] = []
_wrapped: list[str] = []


def current_request() -> HttpRequest | None:
    """Return the HTTP request being served, None in a background task."""
    return _request.get()


def current_headers() -> Mapping[str, str]:
    """Return the headers of the HTTP request being served, lower case; empty in a background task."""
    return _headers.get()


def leave_request() -> None:
    """Forget the HTTP request: a background task acts for a service, and the caller's keys do not travel with it."""
    _request.set(None)
    _headers.set({})


def add_context(source: Any) -> None:
    """Register `source(action, resource, request) -> dict`, condition keys that a request carries."""
    _wrap_once()
    _context_sources.append(source)


def add_layer(layer: Any) -> None:
    """Register `layer(attempt) -> EvalResult | None`, asked on every attempt that ministack allowed, root's too."""
    _wrap_once()
    _layers.append(layer)


def add_request_check(check: Any) -> None:
    """Register `check(attempt) -> EvalResult | None`: permissions that an allowed HTTP request needs besides."""
    _wrap_once()
    _request_checks.append(check)


def add_principal_keys(source: Any) -> None:
    """Register `source(credential, keys) -> None`, which adds condition keys that describe the caller."""
    _wrap_once()
    _principal_sources.append(source)


def add_trust_actions(source: Any) -> None:
    """Register `source(request) -> list[str]`: actions that an AssumeRole needs in the trust policy as well."""
    _wrap_once()
    _trust_actions.append(source)


def gather_context(action: str, resource: str, request: HttpRequest | None) -> dict[str, Any]:
    """Return every registered source's condition keys for one action on one resource."""
    context: dict[str, Any] = {}
    for source in _context_sources:
        context.update(source(action, resource, request))
    return {key: value for key, value in context.items() if value is not None}


def decide(
    principal: Any,
    action: str,
    resource: str,
    *,
    region: str,
    context: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> Any:
    """Decide one action with ministack's evaluator and the added layers.

    Args:
        principal: ministack's PrincipalInfo (its `policies` are None for an account's root).
        action: the IAM action, such as `iam:PassRole`.
        resource: the ARN acted on, or `*`.
        region: the Region of the call.
        context: condition keys of this action besides the gathered ones.
        request: the HTTP request that needs it; None for an act of a service.

    Returns:
        None when allowed, else the EvalResult that refuses.
    """
    service = action.split(":", 1)[0]
    keys = {**gather_context(action, resource, request), **(context or {})}
    attempt = Attempt(principal, action, resource, service, region, keys, request)
    if principal.policies is not None:
        evaluation = attempt.evaluation()
        result = iam_evaluator.evaluate(evaluation, principal.policies, *principal.limits)
        found = iam_evaluator._resource_policy(service, resource)
        if found is not None:
            required = service in iam_evaluator._POLICY_REQUIRED
            result = iam_evaluator.combine_resource_policy(
                result, evaluation, *found, required=required, limits=principal.limits
            )
        if result.decision != "Allow":
            return _remember(attempt, result)
    return _remember(attempt, _first_refusal(_layers, attempt))


def refuse(attempt: Attempt, reason: str, *, explicit: bool = False, sid: str = "") -> Any:
    """Return an EvalResult that refuses `attempt`."""
    decision = "Deny" if explicit else "ImplicitDeny"
    return iam_evaluator.EvalResult(decision, attempt.principal.arn, sid, reason)


def _remember(attempt: Attempt, result: Any) -> Any:
    # The error of a request names the permission that was missing, not the request's own action.
    if result is not None:
        _refused.set(attempt)
    return result


def _first_refusal(checks: list[Any], attempt: Attempt) -> Any:
    for check in checks:
        result = check(attempt)
        if result is not None:
            return result
    return None


def _wrap_once() -> None:
    if _wrapped:
        return
    _wrapped.append("done")
    _wrap_requests()
    _wrap_enforce()
    _wrap_principals()
    _wrap_trust()


def _wrap_requests() -> None:
    extract, pin, denied = iam_actions.extract_iam_action, server.pin_signed_request, iam_actions.access_denied_response

    def extract_iam_action(*arguments: Any) -> Any:
        service, method, path, headers, body, query = arguments
        _request.set(HttpRequest(service, method, path, headers, body, query))
        return extract(*arguments)

    def pin_signed_request(method: str, raw_path: str, query: Any, raw_headers: Any, *args: Any, **kw: Any) -> None:
        _request.set(None)
        _refused.set(None)
        _headers.set({name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw_headers})
        pin(method, raw_path, query, raw_headers, *args, **kw)

    def access_denied_response(service: str, action: str, principal_arn: str, request_id: str, **kw: Any) -> Any:
        attempt = _refused.get()
        if attempt is not None and attempt.action != action and not kw.get("error_code"):
            action = attempt.action
            kw.update(
                resource_arn=attempt.resource,
                message=iam_actions.identity_denial_message(
                    action, principal_arn, attempt.resource, kw.get("explicit_deny", False)
                ),
            )
        return denied(service, action, principal_arn, request_id, **kw)

    iam_actions.extract_iam_action = extract_iam_action
    server.pin_signed_request = pin_signed_request
    iam_actions.access_denied_response = access_denied_response


def _wrap_enforce() -> None:
    stock = iam_evaluator.enforce

    def enforce(  # noqa: PLR0917 - ministack's signature
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        request = _request.get()
        keys = {**(service_context or {}), **gather_context(iam_action, resource_arn, request)}
        result = stock(access_key_id, iam_action, service, region, resource_arn=resource_arn, service_context=keys)
        if result is not None or iam_evaluator._anonymous.get():
            return result
        if iam_action in iam_evaluator._ALWAYS_ALLOWED_ACTIONS:
            return None
        principal = iam_evaluator.resolve_principal(access_key_id or "", get_account_id())
        if isinstance(principal, iam_evaluator.AuthError):
            return principal
        attempt = Attempt(principal, iam_action, resource_arn, service, region, keys, request)
        return _remember(attempt, _first_refusal(_layers, attempt)) or (
            _first_refusal(_request_checks, attempt) if request is not None else None
        )

    iam_evaluator.enforce = enforce


def _wrap_principals() -> None:
    stock = iam_evaluator._principal_keys

    def principal_keys(credential: Any) -> dict[str, Any]:
        keys: dict[str, Any] = stock(credential)
        for source in _principal_sources:
            source(credential, keys)
        return keys

    iam_evaluator._principal_keys = principal_keys
    sts._principal_keys = principal_keys


def _wrap_trust() -> None:
    stock = iam_evaluator.evaluate_trust_policy

    def evaluate_trust_policy(trust: Any, caller_arn: str, ctx: Any = None) -> bool:
        request = _request.get()
        if ctx is None or request is None or request.service != "sts":
            return bool(stock(trust, caller_arn, ctx))
        keys = gather_context(ctx.action, ctx.resource_arn, request)
        ctx = replace(ctx, service_context={**keys, **{k: v for k, v in ctx.service_context.items() if v is not None}})
        if not stock(trust, caller_arn, ctx):
            return False
        needed = [action for source in _trust_actions for action in source(request)]
        return ctx.action != "sts:AssumeRole" or all(
            stock(trust, caller_arn, replace(ctx, action=action)) for action in needed
        )

    iam_evaluator.evaluate_trust_policy = evaluate_trust_policy
