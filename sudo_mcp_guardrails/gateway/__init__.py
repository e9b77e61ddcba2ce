"""The gateway: a guard in the path of every MCP tool call, before it is made and before its result is seen."""
