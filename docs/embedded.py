"""Writes the list of extensions into docs/embedded-aws.md from their docstrings: ``python -m docs.embedded``."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).with_name("embedded-aws.md")
MARKERS: Final = ("<!-- extensions: begin -->", "<!-- extensions: end -->")
_EXTENSIONS: Final = Path(__file__).parent.parent / "sudo_mcp_guardrails" / "local" / "embedded" / "extensions"


def page() -> str:
    """Return the page with the list as it is now.

    Raises:
        ValueError: Where an extension has no docstring, or the page not exactly one of each marker.
    """
    text = PAGE.read_text(encoding="utf-8")
    if [text.count(marker) for marker in MARKERS] != [1, 1]:
        raise ValueError(f"page {PAGE.name!r} is not allowed: expected {MARKERS[0]!r} and {MARKERS[1]!r}, once each")
    before, _, rest = text.partition(MARKERS[0])
    after = rest.partition(MARKERS[1])[2]
    return f"{before}{MARKERS[0]}\n{_rows()}\n{MARKERS[1]}{after}"


def _rows() -> str:
    """Return one line for each module that installs something; the others are helpers and data."""
    rows = ["| extension | what it mends |", "|---|---|"]
    for path in sorted(_EXTENSIONS.glob("[a-z]*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        if not any(isinstance(node, ast.FunctionDef) and node.name == "install" for node in module.body):
            continue
        docstring = ast.get_docstring(module)
        if not docstring:
            raise ValueError(f"extension {path.name!r} has no docstring, expected one that names the gap")
        gap = " ".join(docstring.split("\n\n")[0].split()).removeprefix("Gap: ")
        rows.append(f"| `{path.stem}` | {gap.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
