"""From an event to the agent's run behind it: :class:`Attributor`."""

from sudo_mcp_guardrails.trail.attributing.amending import Amendment
from sudo_mcp_guardrails.trail.attributing.attributor import Attributor
from sudo_mcp_guardrails.trail.attributing.knowledge import Knowledge, MemoryKnowledge, SessionFacts

__all__ = ["Amendment", "Attributor", "Knowledge", "MemoryKnowledge", "SessionFacts"]
