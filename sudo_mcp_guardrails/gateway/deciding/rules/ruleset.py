"""A team's rules, validated and sliced: for each tool the ones that may be about it, parsed once."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

import cedarpy

from sudo_mcp_guardrails.gateway.call import Verdict
from sudo_mcp_guardrails.gateway.deciding.errors import RuleError
from sudo_mcp_guardrails.gateway.deciding.rules.never import never_matches
from sudo_mcp_guardrails.gateway.deciding.rules.schema import GROUPS, NAMESPACE, OWN
from sudo_mcp_guardrails.gateway.deciding.rules.text import read_rules
from sudo_mcp_guardrails.gateway.deciding.rules.tree import ACTION, GATEWAY, gateway_of, is_about, mentioned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.deciding.rules.schema import Action, ToolSchema
    from sudo_mcp_guardrails.gateway.deciding.rules.text import Rule
    from sudo_mcp_guardrails.gateway.deciding.rules.tree import Path
    from sudo_mcp_guardrails.gateway.deciding.rules.types import Type

LOCAL_GATEWAY: Final = "local"
"""Id of the gateway where none is named."""
_VERDICT: Final = "verdict"
_VERDICTS: Final = ("", "ask", "deny")
_NUMBER: Final = re.compile(r"policy(\d+)")


@dataclass(frozen=True)
class Ruling:
    """What the rules say of a call.

    Attributes:
        verdict: ALLOW where one permits it and none forbids it.
        rules: Names of those that decide; empty where none permits it.
        error: Whether a rule could not be evaluated, which denies.
    """

    verdict: Verdict
    rules: tuple[str, ...] = ()
    error: bool = False


@dataclass(frozen=True)
class Slice:
    """The rules of one tool.

    Attributes:
        action: The tool.
        rules: In the order of the handle's ids.
        policies: Parsed.
        paths: What they mention of the context; nothing else is handed over.
    """

    action: Action
    rules: tuple[Rule, ...]
    policies: cedarpy.PolicySet
    paths: frozenset[Path]

    @cached_property
    def inputs(self) -> tuple[tuple[str, Type, bool], ...]:
        """Arguments that a rule may look at: name, type, whether it is always there."""
        kind = self.action.input
        return tuple(
            (name, each, name in kind.required)
            for name, each in kind.attributes.items()
            if self._mentions("input", name)
        )

    @cached_property
    def records(self) -> dict[str, tuple[str, ...]]:
        """What else a rule may look at: records of the context, with those of their parts."""
        return {
            name: tuple(each for each in kind.attributes if self._mentions(name, each))
            for name, kind in OWN.items()
            if kind.name == "Record" and self._mentions(name)
        }

    @cached_property
    def values(self) -> frozenset[str]:
        """Likewise, what is no record."""
        return frozenset(name for name, kind in OWN.items() if kind.name != "Record" and self._mentions(name))

    def _mentions(self, *path: str) -> bool:
        """Return whether a rule looks at a value: at it, at what it is in, or at what is in it."""
        return any(each[: len(path)] == path[: len(each)] for each in self.paths)


class Ruleset:
    """Rules that were validated.

    Args:
        text: Policies of Cedar.
        schema: Of the pinned tools.
        gateway: Id of the gateway that they are for.
        where: For errors.

    Raises:
        RuleError: A rule is not understood, does not validate, or can never match; with its line.
    """

    def __init__(self, text: str, schema: ToolSchema, gateway: str = LOCAL_GATEWAY, where: str = "rules") -> None:
        self.rules = read_rules(text, where)
        self.schema = schema
        self.gateway = gateway
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        self._validate(where)
        self._slices = {
            place: _sliced(action, [rule for rule in self.rules if is_about(rule, action)])
            for place, action in schema.actions.items()
        }
        self._entities = lru_cache(maxsize=4_096)(self._made)
        self._resource = {"type": GATEWAY, "id": gateway}

    def slice(self, server: str, tool: str) -> Slice | None:
        """Return the rules of a tool; None for one that is not pinned."""
        return self._slices.get((server, tool))

    def decide(
        self, part: Slice, principal: str, context: Mapping[str, Any], tags: tuple[tuple[str, str], ...] = ()
    ) -> Ruling:
        """Decide a call.

        Args:
            part: From :meth:`slice`.
            principal: Who calls: the ARN of the role, or the OAuth subject.
            context: As :func:`~sudo_mcp_guardrails.gateway.deciding.rules.context.context_of` makes it.
            tags: Claims of an OAuth subject.
        """
        if not part.rules:
            return Ruling(Verdict.DENY)
        request = {
            "principal": {"type": f"{NAMESPACE}::{self.schema.principal}", "id": principal},
            "action": {"type": ACTION, "id": part.action.id},
            "resource": self._resource,
            "context": json.dumps(context, separators=(",", ":")),
        }
        entities = self._entities(principal, part.action.id, part.action.target, tags)
        answer = cedarpy.is_authorized(request, part.policies, entities)
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            # Cedar skips a rule that fails; one that forbids must not be skipped.
            return Ruling(Verdict.DENY, error=True)
        deciding = [part.rules[_index(each)] for each in answer.diagnostics.reasons]
        names = tuple(sorted(rule.name for rule in deciding))
        if answer.allowed:
            return Ruling(Verdict.ALLOW, names)
        asks = bool(deciding) and all(rule.annotation(_VERDICT) == "ask" for rule in deciding)
        return Ruling(Verdict.ASK if asks and self._permits(part, request, entities) else Verdict.DENY, names)

    def _permits(self, part: Slice, request: Mapping[str, Any], entities: cedarpy.Entities) -> bool:
        """Return whether a rule permits a call that a person may lift the forbidding rules of."""
        permits = "\n".join(rule.text for rule in part.rules if not rule.forbids)
        answer = cedarpy.is_authorized(dict(request), permits, entities) if permits else None
        return answer is not None and answer.allowed and not answer.diagnostics.errors

    def _made(self, principal: str, action: str, target: str, tags: tuple[tuple[str, str], ...]) -> cedarpy.Entities:
        def uid(kind: str, name: str) -> dict[str, str]:
            return {"type": f"{NAMESPACE}::{kind}", "id": name}

        call_tool, mcp = GROUPS
        who: dict[str, Any] = {"uid": uid(self.schema.principal, principal), "attrs": {"id": principal}, "parents": []}
        if tags:
            who["tags"] = dict(tags)
        parents = [uid("Action", target), uid("Action", call_tool)]
        entities = [
            who,
            {"uid": uid("Action", action), "attrs": {}, "parents": parents},
            {"uid": uid("Action", call_tool), "attrs": {}, "parents": [uid("Action", mcp)]},
        ]
        return cedarpy.Entities.from_json_str(json.dumps(entities))

    def _validate(self, where: str) -> None:
        schema = cedarpy.Schema.from_json_str(json.dumps(self.schema.document()))
        for rule in self.rules:
            found = cedarpy.validate_policies(rule.text, schema)
            if not found.validation_passed:
                said = "; ".join(re.sub(r"^for policy `[^`]*`, ", "", each.error) for each in found.errors[:3])
                raise RuleError(where, rule.line, said or "it does not validate")
            named = gateway_of(rule)
            if named is not None and named != self.gateway:
                raise RuleError(
                    where,
                    rule.line,
                    f"it is about gateway {named[:200]!r} and never matches, expected {self.gateway!r}",
                )
            about = [action for action in self.schema.actions.values() if is_about(rule, action)]
            if all(never_matches(rule, action) for action in about):
                raise RuleError(where, rule.line, "it can never match: a name or a value in its conditions is none")
            if rule.annotation(_VERDICT) not in _VERDICTS or (rule.annotation(_VERDICT) and not rule.forbids):
                raise RuleError(where, rule.line, '@verdict is not allowed here, expected "ask" or "deny" on a forbid')


def _sliced(action: Action, rules: Sequence[Rule]) -> Slice:
    text = "\n".join(rule.text for rule in rules)
    paths = frozenset(path for rule in rules for path in mentioned(rule))
    return Slice(action, tuple(rules), cedarpy.PolicySet.from_str(text), paths)


def _index(policy: str) -> int:
    match = _NUMBER.fullmatch(policy)
    if match is None:
        raise RuleError("rules", 0, f"Cedar names a rule {policy[:80]!r} that is not known")
    return int(match[1])
