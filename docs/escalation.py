"""Writes docs/escalation.md from the escalation catalogue: ``python -m docs.escalation``; a test says when to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.escalation import CATALOGUE_VERSION, CATEGORIES, escalation_actions, escalation_paths

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.iam.escalation import EscalationPath

PAGE: Final = Path(__file__).with_suffix(".md")
_HEAD: Final = """# Escalation paths

Written by `python -m docs.escalation` from the catalogue itself; a test fails when this page is not current.

Catalogue {version}: {paths} paths over {actions} actions, no two with the same actions. A path is a set of steps that
one principal must be able to do, all of them, in one context; it is blocked where any step is impossible. The titles
say what an attacker does who acts as the agent. “Stronger” is any role, function or instance that may do more than
the agent may.

Where a step passes a role, the path asks for the service that gets the role, and for requests that do not say which
service it is: a principal that may pass roles to CloudFormation alone is not on the paths through Lambda.

A path whose actions contain those of another is blocked whenever the other is. It is listed where it is a technique
of its own, with the reason.

What is not here, and why:

- Getting the agent's own identity once more (`sts:GetScopedCredentials`, `sts:GetSessionToken`,
  `sts:GetFederationToken`, tokens for image and package repositories): the permissions are the same, so it is no
  escalation. The guardrails deny the first three all the same, because what they return outlives the session.
- Reading secrets and bulk data: these are properties of their own, by the classes that an agent may opt into.
- AWS CodeStar, which is closed. No request can name its actions any more.

The facts come from the sources named with each path; the words are our own. `Service Authorization Reference
service:Action` stands for AWS's own description of that action. The pages of pathfinding.cloud, Rhino Security Labs,
cloudsplaining, Prowler and Bishop Fox's iam-vulnerable are cited by the identifiers that they use.
"""


def page() -> str:
    """Return the page as Markdown."""
    paths = escalation_paths()
    parts = [_HEAD.format(version=CATALOGUE_VERSION, paths=len(paths), actions=len(escalation_actions()))]
    for category, meaning in CATEGORIES.items():
        members = [path for path in paths if path.category == category]
        parts.append(f"## {category}\n\n{meaning[0].upper()}{meaning[1:]}. {len(members)} paths.\n")
        parts += ["| path | what it does | steps | sources |", "|---|---|---|---|", *map(_row, members), ""]
    return "\n".join(parts)


def _row(path: EscalationPath) -> str:
    """Return one line of a category's table."""
    title = f"{path.title}; {path.note}" if path.note else path.title
    sources = "; ".join(f"<{source}>" if source.startswith("https://") else source for source in path.sources)
    return f"| `{path.id}` | {title} | {'<br>'.join(map(_step, path.steps))} | {sources} |"


def _step(step: Statement) -> str:
    """Return a step as it is asked: the action, and what it is narrowed to."""
    text = f"`{step.actions[0]}`"
    if step.conditions:
        return text + " to " + ", ".join(f"`{value}`" for _, _, values in step.conditions for value in values)
    return text if step.resources == ("*",) else f"{text} on `{step.resources[0]}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
