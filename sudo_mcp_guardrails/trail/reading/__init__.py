"""From the bytes of a file to its events: :func:`read_file`."""

from sudo_mcp_guardrails.trail.reading.content import FileContent, read_file

__all__ = ["FileContent", "read_file"]
