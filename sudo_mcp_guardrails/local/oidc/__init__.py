"""A small OpenID Connect provider on loopback, with made-up people: where approvals' page is signed in to in a demo."""

from __future__ import annotations

from sudo_mcp_guardrails.local.oidc.flow import sign_in
from sudo_mcp_guardrails.local.oidc.people import Client, OidcError, Person
from sudo_mcp_guardrails.local.oidc.provider import OidcProvider

__all__ = ["Client", "OidcError", "OidcProvider", "Person", "sign_in"]
