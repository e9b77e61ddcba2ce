"""``python -m sudo_mcp_guardrails.detection.sigma``: compile the rules that come with the package."""

from __future__ import annotations

from pathlib import Path

from sudo_mcp_guardrails.detection.compiled import dumps
from sudo_mcp_guardrails.detection.sigma.read import read_directory

_ROOM = Path(__file__).parent.parent

if __name__ == "__main__":
    (_ROOM / "rules.json").write_text(dumps(read_directory(_ROOM / "rules")), encoding="utf-8")
