"""From steps to a question for the search: which statements speak of them, and what is open about the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.facts import of_session
from sudo_mcp_guardrails.iam.open import key_variables
from sudo_mcp_guardrails.iam.routes import Assembly
from sudo_mcp_guardrails.iam.search import Question, Variable, best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.iam.documents import Strings
    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.layers import CompiledLayers
    from sudo_mcp_guardrails.iam.routes import Asked, ReducedCache


@dataclass(frozen=True)
class Built:
    """A question for the search, and what it takes to read its answer.

    Args:
        asked: The steps.
        question: Variables and goals.
        denying: (layer, Sid) of the Deny statements that may apply.
        approximate: Whether a policy variable was not known.
        open_patterns: The patterns with such variables.
    """

    asked: tuple[Asked, ...]
    question: Question
    denying: tuple[tuple[str, str], ...]
    approximate: bool
    open_patterns: Strings


def build(asked: Sequence[Asked], policies: CompiledLayers, facts: Facts, cache: ReducedCache) -> Built:
    """Build the question whether all steps can be allowed together.

    Raises:
        Blocked: Where a step cannot be, which is a proof.
        CapError: Where the question would be too large.
    """
    assembly = Assembly(policies, facts, cache)
    goals = tuple(assembly.step(number, step) for number, step in enumerate(asked))
    bits = assembly.bits
    denies = sum(bit.mask for bit in bits if bit.deny)
    approximate = any(bit.reduced.approximate for bit in bits)
    shared = {c.key for bit in bits for c in bit.reduced.conditions if of_session(c.key)}
    variables = [*assembly.resources, *key_variables(bits, facts, shared)]
    if not approximate:
        variables = [_pruned(variable, denies) for variable in variables]
    return Built(
        asked=tuple(asked),
        question=Question(tuple(variables), denies, goals),
        denying=tuple(dict.fromkeys((bit.layer, bit.reduced.sid) for bit in bits if bit.deny)),
        approximate=approximate,
        open_patterns=_open_patterns(asked, policies) if approximate else (),
    )


def _open_patterns(asked: Sequence[Asked], policies: CompiledLayers) -> Strings:
    """Return the patterns with variables of all statements that speak of the steps."""
    found: dict[str, None] = {}
    for step in asked:
        for layer in policies.all:
            for statement in (*layer.about(step.action.lower())[0], *layer.about(step.action.lower())[1]):
                wanted = (w for condition in statement.conditions for w in condition.wanted)
                patterns = (*statement.resources, *statement.not_resources, *wanted)
                found.update(dict.fromkeys(p for p in patterns if "${" in p))
    return tuple(found)


def _pruned(variable: Variable, denies: int) -> Variable:
    if len(variable.candidates) == 1:
        return variable
    return Variable(variable.name, best(variable.candidates, denies), variable.concerned)
