"""What a request says of its protocol era, its client and its trace, in ``params._meta``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_PARAMS, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"

HANDSHAKE_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Of the era in which a client begins with ``initialize``, and has a session."""

_TRACE: Final = ("traceparent", "tracestate", "baggage")
_NOTHING: Final[Mapping[str, Any]] = {}


def meta(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``_meta`` of a request's parameters, or an empty mapping.

    Raises:
        RefusedError: It is not an object.
    """
    found = params.get("_meta")
    if found is None:
        return _NOTHING
    if not isinstance(found, dict):
        raise RefusedError(INVALID_PARAMS, "'_meta' of the parameters is not an object")
    return found


def modern_version(found: Mapping[str, Any]) -> str | None:
    """Return the protocol version that a ``_meta`` names: only requests of 2026-07-28 and later name one.

    Raises:
        RefusedError: It is not a string.
    """
    version = found.get(VERSION_KEY)
    if version is not None and not isinstance(version, str):
        raise RefusedError(INVALID_PARAMS, f"{VERSION_KEY!r} of '_meta' is not a string")
    return version


def can_elicit(capabilities: object) -> bool:
    """Return whether a client can put a form before its user; ``elicitation: {}`` means forms."""
    if not isinstance(capabilities, dict):
        return False
    elicitation = capabilities.get("elicitation")
    return isinstance(elicitation, dict) and (not elicitation or isinstance(elicitation.get("form"), dict))


def trace(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the W3C trace context of a ``_meta``."""
    return {name: value for name in _TRACE if isinstance(value := found.get(name), str)}
