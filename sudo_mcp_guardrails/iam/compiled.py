"""Policies made ready to be asked often: patterns compiled once, and statements looked up by action."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.action_sets import everything, named, places
from sudo_mcp_guardrails.iam.catalogue import knows_service
from sudo_mcp_guardrails.iam.conditions import UNRESOLVED, VARIABLE, compiled, substitute, variables
from sudo_mcp_guardrails.iam.matching import ARN_PARTS, action_test
from sudo_mcp_guardrails.iam.operators import like
from sudo_mcp_guardrails.iam.principals import CANONICAL, CANONICAL_USER, excepts, stands_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, Strings
    from sudo_mcp_guardrails.iam.request import Principal, Request


FEW: Final = 16
"""Actions up to which a question's actions are decided one by one."""


class CompiledStatement:
    """One statement of one layer, ready to be decided.

    Attributes:
        statement: The statement.
        sid: Its Sid.
        deny: Whether it denies.
        bounded: Whether the caller has a permissions boundary, for NotPrincipal.
        resources, not_resources: Its patterns, shortened ARNs completed.
        conditions: Its conditions.
        doubtful: Whether a variable stands where AWS does not say what holds without a value for it, or a principal
            whose account is not known.
    """

    def __init__(self, statement: Statement, *, bounded: bool) -> None:
        """Compile; raises PolicyError for an operator that IAM does not have."""
        self.statement = statement
        self.sid = statement.sid
        self.deny = statement.effect == "Deny"
        self.bounded = bounded
        # Every statement has one of Action and NotAction, so that "all but" is the absence of Action.
        self._all_but = not statement.actions
        self._action_set: int | None = None
        self._actions = action_test(statement.actions or statement.not_actions)
        self.resources = tuple(map(completed, statement.resources))
        self.not_resources = tuple(map(completed, statement.not_resources))
        self._resources = _resources(self.resources)
        self._not_resources = _resources(self.not_resources)
        self.conditions = tuple(compiled(*condition, deny=self.deny) for condition in statement.conditions)
        self.doubtful = any("${" in p for p in statement.not_resources) or any(
            c.unclear or (c.negated and any("${" in w for w in c.wanted)) for c in self.conditions
        )
        self._canonical = any(k == CANONICAL_USER for k, _ in (*statement.principals, *statement.not_principals))
        self.doubtful |= self._canonical

    def names_action(self, action: str) -> bool:
        """Return whether the statement is about an action, in lower case, whatever the rest says."""
        return self._actions(action) is not self._all_but

    @property
    def action_set(self) -> int:
        """The catalogue's actions that the statement is about; see :mod:`~sudo_mcp_guardrails.iam.action_sets`."""
        if self._action_set is None:
            raw = self.statement
            self._action_set = named(raw.actions) if raw.actions else everything() & ~named(raw.not_actions)
        return self._action_set

    @cached_property
    def few(self) -> bool:
        """Whether it names its actions one by one, and not many."""
        actions = self.statement.actions
        return 0 < len(actions) <= FEW and not any("*" in name or "?" in name for name in actions)

    @cached_property
    def places(self) -> tuple[int, ...] | None:
        """The places of its few actions in sets of actions; None where the catalogue does not know them all."""
        if not self.few or self.action_set.bit_count() < len(set(self.statement.actions)):
            return None
        return tuple(places(self.action_set))

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """All condition keys on which its decision depends, in lower case."""
        keys = {condition.key for condition in self.conditions}
        for pattern in (*self.resources, *self.not_resources, *(w for c in self.conditions for w in c.wanted)):
            if "${" in pattern:
                keys.update(variables(pattern))
        return frozenset(keys)

    @cached_property
    def unlisted(self) -> tuple[str, ...]:
        """Those of its Action patterns that name what the catalogue lacks: an action, or a service."""
        return tuple(p for p in self.statement.actions if not _is_listed(p))

    @property
    def unconfined(self) -> bool:
        """Whether it is about every resource."""
        return (not self.resources or "*" in self.resources) and not self.not_resources

    def covers(self, resource: str, keys: Mapping[str, Strings]) -> bool:
        """Return whether the statement is about a resource."""
        if self._resources is not None and not self._resources(resource, keys):
            return False
        if self._not_resources is None:
            return True
        if self.deny and self.doubtful and self.doubts_resource(keys):
            # The same question as for a negated operator; the worse case for the defender.
            return False
        return not self._not_resources(resource, keys)

    def doubts_resource(self, keys: Mapping[str, Strings]) -> bool:
        """Return whether a variable in NotResource cannot be resolved."""
        return any("${" in p and substitute(p, keys) is None for p in self.statement.not_resources)

    def concerns(self, caller: Principal) -> bool:
        """Return whether the statement is about a caller: in resource policies, and in those of RCPs and endpoints."""
        statement = self.statement
        if statement.principals:
            return stands_for(statement.principals, caller, canonical=not self.deny)
        if statement.not_principals:
            if self.deny:
                return not excepts(statement.not_principals, caller, bounded=self.bounded)
            return not stands_for(statement.not_principals, caller, canonical=False)
        return True

    def applies(self, request: Request) -> bool:
        """Return whether the statement covers a request whose action it names."""
        keys = request.keys
        if not self.covers(request.resource, keys):
            return False
        for condition in self.conditions:
            if not condition.holds(keys):
                return False
        statement = self.statement
        return not (statement.principals or statement.not_principals) or self.concerns(request.principal)

    def doubts(self, request: Request) -> Iterable[str]:
        """Return what of AWS's decision on this statement is not established."""
        keys = request.keys
        if self._canonical:
            yield CANONICAL
        if self.statement.not_resources and self.doubts_resource(keys):
            yield UNRESOLVED
        for condition in self.conditions:
            doubt = condition.doubt(keys)
            if doubt:
                yield doubt


def _is_listed(pattern: str) -> bool:
    """Return whether the catalogue has the action that a pattern names, or the service of its actions."""
    if pattern in {"*", "*:*"}:
        return True
    if "*" in pattern or "?" in pattern:
        return knows_service(pattern.split(":", 1)[0])
    return bool(named((pattern,)))


def completed(pattern: str) -> str:
    """Return a Resource pattern with the parts that a shortened ARN leaves out, which AWS takes for ``*``.

    Source: IAM user guide, "Identify AWS resources with ARNs": ``arn:P:sqs`` stands for ``arn:P:sqs:*:*:*``.
    """
    if not pattern.startswith("arn:"):
        return pattern
    return pattern + ":*" * (ARN_PARTS - 1 - VARIABLE.sub("", pattern).count(":"))


def _resources(patterns: Strings) -> Callable[[str, Mapping[str, Strings]], bool] | None:
    """Return the test of a Resource or NotResource element; None where there is none."""
    if not patterns:
        return None
    if not any("${" in pattern for pattern in patterns):
        test = like(patterns)
        return lambda resource, _: test(resource)

    def with_variables(resource: str, keys: Mapping[str, Strings]) -> bool:
        resolved = tuple(p for p in (substitute(pattern, keys) for pattern in patterns) if p is not None)
        return like(resolved)(resource)

    return with_variables


class CompiledLayer:
    """The statements of one layer, or of one level of it.

    Attributes:
        name: What decisions call it, such as ``"boundary"``.
        missing: What decisions call it where nothing allows, such as ``"scp level 0"``.
    """

    def __init__(
        self, name: str, documents: Iterable[PolicyDocument], *, missing: str = "", bounded: bool = False
    ) -> None:
        """Compile; raises PolicyError."""
        self.name = name
        self.missing = missing or name
        self._statements = tuple(
            compile_statement(s, bounded=bounded) for document in documents for s in document.statements
        )
        self._by_action: dict[str, tuple[tuple[CompiledStatement, ...], tuple[CompiledStatement, ...]]] = {}

    @property
    def statements(self) -> tuple[CompiledStatement, ...]:
        """All statements in order."""
        return self._statements

    @cached_property
    def allowed(self) -> int:
        """The catalogue's actions that any Allow statement is about."""
        found = 0
        for statement in self._statements:
            if not statement.deny:
                found |= statement.action_set
        return found

    def about(self, action: str) -> tuple[tuple[CompiledStatement, ...], tuple[CompiledStatement, ...]]:
        """Return (Allow, Deny) statements that name an action."""
        found = self._by_action.get(action)
        if found is None:
            named = [s for s in self._statements if s.names_action(action)]
            found = (tuple(s for s in named if not s.deny), tuple(s for s in named if s.deny))
            self._by_action[action] = found
        return found


@lru_cache(maxsize=65_536)
def compile_statement(statement: Statement, *, bounded: bool = False) -> CompiledStatement:
    """Compile a statement once, however many agents share it; raises PolicyError.

    Args:
        statement: The statement.
        bounded: Whether the caller has a permissions boundary, for NotPrincipal.
    """
    return CompiledStatement(statement, bounded=bounded)


@lru_cache(maxsize=16_384)
def in_partition(question: CompiledStatement, partition: str) -> CompiledStatement:
    """Return a question in which ``arn:*:`` means the one partition that there is.

    A star there could run on past colons, into the key of an object: of a policy that has to be taken as it is, of a
    question it is not what is meant.
    """
    meant = tuple(f"arn:{partition}:{p[6:]}" if p.startswith("arn:*:") else p for p in question.statement.resources)
    if meant == question.statement.resources:
        return question
    return compile_statement(replace(question.statement, resources=meant))
