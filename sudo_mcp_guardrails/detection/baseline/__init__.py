"""What each agent usually does, learned from runs that ended well, and the layers that look at what it does now.

Standard library and whole numbers alone: the same events in the same order give the same alerts on every machine. What
has been learned of an agent is one document that people can read.
"""

from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
from sudo_mcp_guardrails.detection.baseline.layers import baseline_layers
from sudo_mcp_guardrails.detection.baseline.planned import Planned, PlannedCalls
from sudo_mcp_guardrails.detection.baseline.store import BaselineStore, DirectoryStore, MemoryStore

__all__ = [
    "BaselineStore",
    "Baselines",
    "DirectoryStore",
    "MemoryStore",
    "Planned",
    "PlannedCalls",
    "baseline_layers",
]
