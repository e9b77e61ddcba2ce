"""Properties that must hold of an agent's role, and the contexts in which each is proved.

A property is a path of steps that must be impossible. It is **blocked** where no one context admits a request for
every step. A role that does ordinary work on its own resources cannot be blocked on paths that such work is part
of; there a property is **contained**: no admitted way through the path changes anything outside what the agent
owns, nor passes a role but its own, which are bounded. A property that allows no work on one's own either is
*strict*, and only blocked will do. What was shown is in the proof's reason.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.iam.catalogue import changes
from sudo_mcp_guardrails.iam.compiled import compile_statement
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.verdict import Proof, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.iam.compiled import CompiledStatement
    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.iam.facts import Facts, Values
    from sudo_mcp_guardrails.iam.layers import Layers

VIA: Final = "aws:ViaAWSMCPService"
CALLED_VIA: Final = "aws:CalledViaAWSMCP"
CONTEXTS: Final[Mapping[str, Mapping[str, tuple[str | Values | None, ...]]]] = {
    "aws-mcp": {VIA: ("true",), CALLED_VIA: ("aws-mcp.amazonaws.com",)},
    "other-mcp": {
        VIA: ("true",),
        # A server that AWS adds tomorrow has a name that no policy of today has, or sets no name at all.
        CALLED_VIA: (
            *("eks-mcp.amazonaws.com", "ecs-mcp.amazonaws.com", "sagemaker-unified-studio-mcp.amazonaws.com"),
            *("new-mcp.amazonaws.com", None),
        ),
    },
    # Calls with the keys that the agent holds: AWS documents the first key as absent, and a sample shows "false".
    "direct": {VIA: (None, "false"), CALLED_VIA: (None,)},
}
"""Through the AWS MCP Server, through another managed MCP server, and directly: what the keys can be.

Source: Agent Toolkit user guide, "Condition keys", and the IAM Toolbox API reference.
"""
_READERS: Final = frozenset({"read", "plan"})
_CONTAINED: Final = Proof(
    Verdict.PROVED, reason="contained: it reaches the agent's own resources and bounded roles alone"
)
_PASSES: Final = "iam:passrole"


@dataclass(frozen=True)
class Property:
    """Something that must be impossible.

    Args:
        id: Stable, such as ``"escalation/iam-create-policy-version"`` or ``"invariant/trail"``.
        title: What would happen, as the end of a sentence that begins with the agent.
        steps: Statements used as questions; see :meth:`~sudo_mcp_guardrails.iam.prove.Prover.prove`.
        sources: Where it comes from.
        kind: ``"escalation"`` or ``"invariant"``.
        strict: Whether work on one's own resources is no excuse.
        changing: Whether wildcards in the steps' actions stand only for those that change something.
        elsewhere: Whether it is asked of the same policies on a role of an account that the agent does not work in.
    """

    id: str
    title: str
    steps: tuple[Statement, ...]
    sources: tuple[str, ...] = ()
    kind: str = "escalation"
    strict: bool = False
    changing: bool = False
    elsewhere: bool = False

    @cached_property
    def compiled(self) -> tuple[CompiledStatement, ...]:
        """The steps, compiled once for all subjects."""
        return tuple(map(compile_statement, self.steps))

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The condition keys that the steps mention, in lower case."""
        return frozenset().union(*(step.mentioned for step in self.compiled))


@dataclass(frozen=True)
class Subject:
    """A role, and what is stated of the agent that it belongs to.

    Args:
        agent: Name of the agent.
        capability: ``read``, ``plan``, ``apply`` or ``execution``; ``workload`` stands for any role that its
            resources may carry, whatever that role's own policies allow.
        layers: The role's policies.
        facts: What is known of its requests.
        own: ARN patterns of what the agent owns, the roles that its resources may carry included.
        passable: ARN patterns of further roles that it may pass to a service.
        services: The services that it works on.
        regions: Regions that it may work in; empty where none is named.
        accounts: Accounts that it may work in.
        sensitive_reads: Classes of sensitive reads that it has opted into.
        source: Where the role comes from: the path of its construct.
        uses: ARN patterns of what a build beneath the role uses, which count among ``own``; empty where there is none.
    """

    agent: str
    capability: str
    layers: Layers
    facts: Facts
    own: tuple[str, ...] = ()
    passable: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    sensitive_reads: tuple[str, ...] = ()
    source: str = ""
    uses: tuple[str, ...] = ()


class Result(NamedTuple):
    """What came of one property of one subject in one context."""

    subject: Subject
    context: str
    property: Property
    proof: Proof


def prove_subject(
    subject: Subject,
    properties: Iterable[Property],
    contexts: Mapping[str, Mapping[str, tuple[str | Values | None, ...]]] = CONTEXTS,
) -> Iterator[Result]:
    """Prove properties of a role in several contexts.

    Args:
        subject: The role.
        properties: What must be impossible.
        contexts: Name to what is known there, beside the subject's facts. Those that differ in nothing that the
            policies or a property mention are proved once.
    """
    asked = tuple(properties)
    mentioned = subject.layers.compiled.mentioned
    told = {key.lower() for known in contexts.values() for key in known}
    if any(not told.isdisjoint(wanted.mentioned) for wanted in asked):
        mentioned |= told
    alike: dict[tuple[tuple[str, object], ...], tuple[_Holder, list[str]]] = {}
    for name, known in contexts.items():
        relevant = {key: options for key, options in known.items() if key.lower() in mentioned}
        key = tuple(sorted(relevant.items()))
        if key not in alike:
            facts = replace(subject.facts, known={**subject.facts.known, **relevant})
            alike[key] = (_Holder(Prover(subject.layers, facts), subject), [])
        alike[key][1].append(name)
    for wanted in asked:
        for holder, names in alike.values():
            proof = holder.proof(wanted)
            for name in names:
                yield Result(subject, name, wanted, proof)


def prove_subjects(asked: Iterable[tuple[Subject, Iterable[Property]]]) -> tuple[Result, ...]:
    """Prove the properties of many roles in all contexts.

    Args:
        asked: Each role with what must be impossible for it.
    """
    with _collector_paused():
        return tuple(result for subject, properties in asked for result in prove_subject(subject, properties))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python from looking for cycles: a proof makes many small values and no cycle among them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            # What was made becomes old without being looked through, which a collection now would do at once.
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()


class _Holder:
    """The proofs of one subject in one context."""

    def __init__(self, prover: Prover, subject: Subject) -> None:
        self._prover = prover
        self._subject = subject

    @cached_property
    def _elsewhere(self) -> Prover:
        """The same policies on a role of an account that the agent does not work in."""
        facts, accounts = self._prover.facts, {self._prover.facts.principal.account, *self._subject.accounts}
        strange = next(digit * 12 for digit in "9876543210" if digit * 12 not in accounts)
        partition, *between, _, rest = facts.principal.arn.split(":", 5)[1:]
        arn = ":".join(("arn", partition, *between, strange, rest))
        return Prover(self._prover.layers, replace(facts, principal=replace(facts.principal, arn=arn)))

    def proof(self, wanted: Property) -> Proof:
        """Return the proof of a property."""
        prover = self._elsewhere if wanted.elsewhere else self._prover
        closed = prover.closed(wanted.compiled, changing=wanted.changing)
        if closed is not None:
            return closed
        works = not wanted.strict and bool(self._subject.own)
        if not works or self._subject.capability in _READERS:
            proof = prover.prove_compiled(wanted.compiled, changing=wanted.changing)
            if proof.verdict is Verdict.PROVED or not works:
                return proof
        # For a role that does ordinary work, a way through on its own resources would be no news.
        for variant in outside(wanted.steps, self._subject):
            beyond = prover.prove(variant, changing=wanted.changing)
            if beyond.verdict is not Verdict.PROVED:
                return beyond
        return _CONTAINED


def outside(steps: Sequence[Statement], subject: Subject) -> Iterator[tuple[Statement, ...]]:
    """Yield the ways through a path that touch something outside what the agent owns.

    One for each step that changes something; where none does, one for each step.

    Args:
        steps: The path.
        subject: Whose it is.
    """
    writing = [number for number, step in enumerate(steps) if any(map(changes, step.actions))]
    for number in writing or range(len(steps)):
        step = steps[number]
        passes = any(action.lower() == _PASSES for action in step.actions)
        own = (*subject.own, *(subject.passable if passes else ()))
        beyond = replace(step, not_resources=(*step.not_resources, *own))
        yield (*steps[:number], beyond, *steps[number + 1 :])
