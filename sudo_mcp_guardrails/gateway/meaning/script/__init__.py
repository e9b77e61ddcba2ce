"""What a script for ``aws___run_script`` does, told from its text: it is parsed, and never run."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.meaning.script.reading import MAX_CALLS, Script, read_script

__all__ = ["MAX_CALLS", "Script", "read_script"]
