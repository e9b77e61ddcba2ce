"""What tells of a session: the event that minted it, and the role that it runs as."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.trail.attributing.knowledge import SessionFacts

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.trail.event import Event

RUN: Final = re.compile(r"run-[0-9A-HJKMNP-TV-Z]{26}")
"""A run id, as the broker makes them: ``run-`` and a ULID."""

MINTING: Final = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})

_TAGS: Final = {
    "agent": "agent",
    "run": "run",
    "capability": "capability",
    "ticket": "ticket",
    "approval": "approval",
    "plan_digest": "plan-digest",
    "person": "caller",
}
_NONE: Final = "none"
WORKLOAD: Final = "workload"
"""The capability of what an agent's own resources run as."""


class AgentRoles:
    """Tells from a role's ARN whose role it is; one instance for one name prefix.

    Args:
        names: where the agents' roles live.
    """

    def __init__(self, names: GuardrailNames) -> None:
        self.mark = f":role{names.agents_path}"
        self._prefix = names.prefix
        self.of = lru_cache(maxsize=4096)(self._of)

    def _of(self, arn: str) -> SessionFacts | None:
        """Return the agent and the capability of a role on the agents' path, or None for any other."""
        _, mark, path = arn.partition(self.mark)
        agent, slash, name = path.partition("/")
        if not mark or not slash or not agent:
            return None
        kind = name.removeprefix(f"{self._prefix}-{agent}-")
        return SessionFacts(agent=agent, capability=kind if kind in ROLE_KINDS else WORKLOAD)


def minted(event: Event, roles: AgentRoles) -> tuple[list[str], SessionFacts] | None:
    """Read the event that minted a session of an agent.

    The tags of a session stand in this event alone, under ``requestParameters``; later events carry the access key
    and the SourceIdentity ("Monitor and control actions taken with assumed roles", IAM user guide).

    Returns:
        The keys that later events name the session by, and what is known of it; None for any other role's.
    """
    document = event.document()
    parameters = _object(document.get("requestParameters"))
    facts = roles.of(_text(parameters.get("roleArn")) or "")
    credentials = _object(_object(document.get("responseElements")).get("credentials"))
    key = _text(credentials.get("accessKeyId"))
    if facts is None or key is None:
        return None
    tags = _tags(parameters)
    identity = _text(parameters.get("sourceIdentity")) or ""
    known = {field: value for field, tag in _TAGS.items() if (value := tags.get(tag)) and value != _NONE}
    # The role is what IAM checked; a tag says more, and never another agent or capability.
    known.update(facts.to_dict())
    # Never by the tag: it is any text, such as another session's access key, and would be taken for one.
    run = identity if RUN.fullmatch(identity) else None
    known.pop("run", None)
    if run is not None:
        known["run"] = run
    return [key, *([run] if run else [])], SessionFacts(**known)


def _tags(parameters: dict[str, Any]) -> dict[str, str]:
    """Return the session tags, in either of the forms seen: a mapping, or a list of keys and values."""
    found = parameters.get("principalTags") or parameters.get("tags")
    if isinstance(found, dict):
        return {key: value for key, value in found.items() if isinstance(value, str)}
    pairs = [_object(pair) for pair in found] if isinstance(found, list) else []
    return {
        key: value
        for pair in pairs
        if (key := _text(pair.get("key") or pair.get("Key")))
        and (value := _text(pair.get("value") or pair.get("Value")))
    }


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
