"""Which tools a session sees: none that it may never call.

Read agents keep ``aws___run_script``: each script is judged when it is called, so account reads work. The proxy's own
``--read-only`` takes the tool away, since its annotation says that it writes; annotations count for nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import Capability, RiskClass
from sudo_mcp_guardrails.approval.trust_ledger.policy import Handling
from sudo_mcp_guardrails.gateway.meaning.tools import KNOWLEDGE
from sudo_mcp_guardrails.gateway.pins.labels import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.gateway.deciding.settings import Settings

_PREFIX: Final = "aws___"
_ACTING: Final = frozenset({"run_script", "call_aws"})
"""Tools whose arguments are judged call by call."""


def visible(settings: Settings, server: str, tool: Mapping[str, Any]) -> bool:
    """Return whether a session of the settings' capability may ever call a tool.

    Args:
        settings: What the decision rests on.
        server: Name of the server.
        tool: As it is listed.
    """
    name = tool.get("name")
    if not isinstance(name, str):
        return False
    if server in settings.aws:
        plain = name.removeprefix(_PREFIX)
        # What is not known vends credentials (a presigned URL) or does what nobody reviewed.
        return plain in KNOWLEDGE or (plain in _ACTING and settings.role is not None)
    labels = settings.labels(server, name)
    if not labels.reviewed_by:
        return False
    if labels.effect is Effect.READ:
        return True
    if settings.capability is Capability.READ:
        return False
    risk = settings.risks.get((server, name), RiskClass.R3)
    return settings.policy.table[settings.tier][risk] is not Handling.REFUSED
