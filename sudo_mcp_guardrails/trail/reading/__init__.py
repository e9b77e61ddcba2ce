"""From the bytes of a file to its events: :func:`read_pieces`."""

from sudo_mcp_guardrails.trail.reading.content import FileContent, read_file, read_pieces

__all__ = ["FileContent", "read_file", "read_pieces"]
