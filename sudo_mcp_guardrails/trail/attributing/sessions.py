"""What tells of a session: the event that minted it, and the role that it runs as."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.trail.attributing.knowledge import SessionFacts
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.values import a_text, an_object

if TYPE_CHECKING:
    from collections.abc import Collection

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
_ROLE: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/[\w+=,.@/-]+", re.ASCII)
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


def broker_roles(arns: Collection[str]) -> frozenset[str]:
    """Return the ARNs of brokers' roles.

    Raises:
        TrailError: for what is no role's ARN: with a typing error in it no tag would be believed any more.
    """
    for arn in arns:
        if not _ROLE.fullmatch(arn):
            expected = "expected a role's ARN: arn:PARTITION:iam::ACCOUNT:role/NAME"
            raise TrailError(f"broker {arn!r} is not allowed, {expected}")
    return frozenset(arns)


@dataclass(frozen=True, slots=True)
class Minted:
    """A session of an agent, as the event that minted it tells.

    Attributes:
        keys: what later events name the session by: its access key, and then its run id, if it has one.
        facts: what is known of it.
        believed: whether its tags are among that.
    """

    keys: tuple[str, ...]
    facts: SessionFacts
    believed: bool


def minted(event: Event, roles: AgentRoles, brokers: Collection[str] | None = None) -> Minted | None:
    """Read the event that minted a session of an agent.

    The tags of a session stand in this event alone, under ``requestParameters``; later events carry the access key
    and the SourceIdentity ("Monitor and control actions taken with assumed roles", IAM user guide). Who assumes a role
    that it may tag sets them to any text, so that they are worth as much as the caller. In the copy that the role's
    account has of a call from another account the caller's role is left out; the caller's account has the other copy.

    Args:
        event: any event of STS.
        roles: tells agents' roles from others.
        brokers: roles whose tags are believed. Default: everybody's are.

    Returns:
        The session; None for any other role's.
    """
    document = event.document()
    parameters = an_object(document.get("requestParameters"))
    facts = roles.of(a_text(parameters.get("roleArn")) or "")
    credentials = an_object(an_object(document.get("responseElements")).get("credentials"))
    key = a_text(credentials.get("accessKeyId"))
    if facts is None or key is None:
        return None
    believed = brokers is None or event.role_arn in brokers
    tags = _tags(parameters) if believed else {}
    identity = a_text(parameters.get("sourceIdentity")) or ""
    known = {field: value for field, tag in _TAGS.items() if (value := tags.get(tag)) and value != _NONE}
    # The role is what IAM checked; a tag says more, and never another agent or capability.
    known.update(facts.to_dict())
    # Never by the tag: it is any text, such as another session's access key, and would be taken for one.
    run = identity if RUN.fullmatch(identity) else None
    known.pop("run", None)
    if run is not None:
        known["run"] = run
    return Minted((key, *([run] if run else [])), SessionFacts(**known), believed)


def _tags(parameters: dict[str, Any]) -> dict[str, str]:
    """Return the session tags, in either of the forms seen: a mapping, or a list of keys and values."""
    found = parameters.get("principalTags") or parameters.get("tags")
    if isinstance(found, dict):
        return {key: value for key, value in found.items() if isinstance(value, str)}
    pairs = [an_object(pair) for pair in found] if isinstance(found, list) else []
    return {
        key: value
        for pair in pairs
        if (key := a_text(pair.get("key") or pair.get("Key")))
        and (value := a_text(pair.get("value") or pair.get("Value")))
    }
