"""Whose credentials a call uses: the guard's choice, so an agent that names others is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import Reason, Verdict
from sudo_mcp_guardrails.gateway.deciding.weighing import Objection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.gateway.call import ToolCall
    from sudo_mcp_guardrails.gateway.deciding.settings import Settings

PROFILE: Final = "aws_profile"
"""Argument by which ``mcp-proxy-for-aws`` lets an agent choose among its profiles."""
_REGION: Final = "aws_region"
_WORDS: Final = ("aws_", "amz", "x-amz")


def named(call: ToolCall, settings: Settings) -> Iterator[Objection]:
    """Yield what is to be said against a call that chooses credentials, or a Region behind the guard's back.

    ``mcp-proxy-for-aws`` adds ``AWS_REGION`` and ``AWS_PROFILE`` to ``_meta``, where the client's value wins.

    Args:
        call: Of any server, since others use AWS too.
        settings: With the one profile and Region that are allowed.
    """
    given = call.arguments.get(PROFILE)
    if given is not None and given != settings.profile:
        text = f"argument {PROFILE!r} chooses credentials, which the guard does; leave it out."
        yield Objection(Verdict.DENY, Reason("decision.identity", text, PROFILE))
    for name, value in call.meta.items():
        plain = name.lower().rpartition("/")[2]
        if plain.startswith(_WORDS) and not (plain == _REGION and value == settings.region and settings.region):
            text = "'_meta' chooses credentials or a Region, which the guard does; leave AWS_ keys out of it."
            yield Objection(Verdict.DENY, Reason("decision.identity", text, "_meta"))


def chosen(call: ToolCall, settings: Settings) -> Mapping[str, Any] | None:
    """Return a call's arguments with the guard's profile; None where they stay as they are.

    Args:
        call: Of a server of AWS's.
        settings: With the profile.
    """
    if not settings.profile or call.arguments.get(PROFILE) == settings.profile or call.definition is None:
        return None
    schema = call.definition.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or PROFILE not in properties:
        return None
    return {**call.arguments, PROFILE: settings.profile}
