"""What :class:`~sudo_mcp_guardrails.constructs.monitoring.monitoring.AgentMonitoring` is made of."""
