"""Where plans are in the evidence bucket: under their agent, so that a build reads those of its agent alone."""

from __future__ import annotations

from typing import Final

PLANS: Final = "plans"
"""What the keys of all plans begin with, before a slash."""


def plan_key(agent: str, approval: str, name: str) -> str:
    """Return the key of what a plan is read from, or of its file.

    Args:
        agent: Name of the agent whose plan it is, which has no slash.
        approval: Id of the approval, likewise.
        name: Of the object, such as ``bundle.json``.
    """
    return f"{PLANS}/{agent}/{approval}/{name}"
