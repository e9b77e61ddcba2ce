"""Read parsed JSON of which nothing is sure: what is not as it should be is taken for absent."""

from __future__ import annotations

from typing import Any


def an_object(value: object) -> dict[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def a_text(value: object) -> str | None:
    """Return a text that is not empty; None for anything else."""
    return value if isinstance(value, str) and value else None
