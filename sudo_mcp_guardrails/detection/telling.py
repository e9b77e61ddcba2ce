"""The names by which findings go through AWS: what the functions write, and what rules and alarms look for."""

from __future__ import annotations

from typing import Final

SOURCE: Final = "mcp-guardrails.detection"
DETAIL_TYPE: Final = "AgentFinding"
"""Source and detail type of a finding on its bus."""
CANARY_RULE: Final = "monitoring_canary"
"""The rule whose finding shows that the monitoring works."""
CANARY_AGENT: Final = "mcp-guardrails-canary"
"""What the canary's user agent has in it."""
NAMESPACE: Final = "McpGuardrails/Detection"
DIMENSION: Final = "Monitoring"
"""Of the metrics."""
SETTINGS: Final = "monitoring.json"
"""File at the root of the asset: the user's rules, profiles and watchlists, written at synthesis."""
