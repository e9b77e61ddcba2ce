"""Is there any request that a stack of policies allows? Either a proof that there is none, or the request.

For one action a decision depends on a finite number of things: which resource patterns match, and which conditions
hold. So each open variable of the request (the resource, each context key) takes one value for each way in which
those can come out, and a search over the values' masks of statements decides. What is not known is free; what is
not modelled, or is over a cap, is ``NOT PROVED`` and never safe. Compare "Stratified abstraction of access control
policies" (Backes et al., CAV 2020).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import chain, islice, product
from math import prod
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.action_sets import by_resource, members, named, partition, places, writing
from sudo_mcp_guardrails.iam.automaton import CapError
from sudo_mcp_guardrails.iam.compiled import compile_statement, in_partition
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.evaluate import ALWAYS_ALLOWED, evaluate
from sudo_mcp_guardrails.iam.question import build
from sudo_mcp_guardrails.iam.routes import Asked, Blocked
from sudo_mcp_guardrails.iam.search import solutions
from sudo_mcp_guardrails.iam.universe import ANYTHING, any_may_meet, formats_of
from sudo_mcp_guardrails.iam.verdict import Proof, Verdict
from sudo_mcp_guardrails.iam.walls import Walls
from sudo_mcp_guardrails.iam.witness import requests_of, worst_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sudo_mcp_guardrails.iam.compiled import CompiledStatement
    from sudo_mcp_guardrails.iam.documents import Strings
    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.layers import Layers
    from sudo_mcp_guardrails.iam.request import Request
    from sudo_mcp_guardrails.iam.routes import ReducedCache

MAX_REPLAYS: Final = 64
"""Choices that are replayed in the evaluator where a policy variable had to be guessed."""
MAX_ACTIONS: Final = 4096
"""Combinations of actions that one question may ask about."""


class Prover:
    """Answers questions about one principal's layers.

    Args:
        layers: The policies.
        facts: What is known of the requests.

    Raises:
        PolicyError: Where a policy holds something that the evaluator does not know.
    """

    def __init__(self, layers: Layers, facts: Facts) -> None:
        """Compile the layers."""
        self.layers = layers
        self.facts = facts
        self._policies = layers.compiled
        self._assuming = replace(layers, resource=worst_case(facts))
        self._walls = Walls(self._policies, facts)
        self._cache: ReducedCache = {}
        self._single: dict[Asked, Proof] = {}
        self._proofs: dict[int, Proof] = {}

    def prove(self, steps: Sequence[Statement], *, changing: bool = False) -> Proof:
        """Decide whether there is one context in which a request for each of the steps is allowed.

        Args:
            steps: Statements used as questions: their actions (any of them), resources and conditions describe the
                requests that are looked for. A wildcard stands for every action of the catalogue that it covers.
            changing: Whether wildcards, and NotAction, stand only for actions that change something.

        Returns:
            The first witness, else the first question that could not be answered, else the proof.
        """
        return self.prove_compiled(tuple(map(compile_statement, steps)), changing=changing)

    def prove_compiled(self, steps: Sequence[CompiledStatement], *, changing: bool = False) -> Proof:
        """Decide as :meth:`prove` does, for steps that are compiled already since many principals are asked them."""
        closed = self.closed(steps, changing=changing)
        if closed is not None:
            return closed
        steps = [in_partition(step, self.facts.partition) for step in steps]
        if len(steps) == 1 and not steps[0].few:
            return self._prove_wide(steps[0], changing=changing)
        alternatives = [self._asked(step, changing=changing) for step in steps]
        count = prod(map(len, alternatives))
        if count > MAX_ACTIONS:
            reason = f"{count} combinations of actions are over the cap of {MAX_ACTIONS}"
            return Proof(Verdict.NOT_PROVED, reason=reason)
        return _first_open(self._decide(asked) for asked in product(*alternatives))

    def closed(self, steps: Sequence[CompiledStatement], *, changing: bool = False) -> Proof | None:
        """Return the proof where any step is closed whatever the request, which takes no search; None elsewhere."""
        open_bytes = self._walls.open_bytes
        for step in steps:
            if step.places is None:
                blocked = self._blocked(step, changing=changing)
                if blocked is not None:
                    return blocked
            elif not any(open_bytes[place >> 3] >> (place & 7) & 1 for place in step.places):
                return self._closed(step.places[0])
        return None

    def _blocked(self, step: CompiledStatement, *, changing: bool) -> Proof | None:
        """Return the proof where a step of many actions is closed whatever the request; None where it may be open."""
        # An action that the catalogue does not know is in no set.
        unknown = step.few or any(step.names_action(name.lower()) for name, _ in self._unlisted)
        place = None if unknown else self._walls.closed(_meant(step, changing=changing))
        return None if place is None else self._closed(place)

    def _closed(self, place: int) -> Proof:
        """Return the proof that an action is closed, made once."""
        found = self._proofs.get(place)
        if found is None:
            found = self._proofs[place] = _closed(*self._walls.why(place))
        return found

    def _asked(self, step: CompiledStatement, *, changing: bool) -> tuple[Asked, ...]:
        """Return the actions that a step asks about, those that are decided alike once."""
        if step.few:
            return tuple(Asked(name, step, formats_of(name)) for name in step.statement.actions)
        return tuple(
            Asked(alike.names[0], step, alike.formats)
            for actions in self._classes(_meant(step, changing=changing))
            for alike in by_resource(actions)
        )

    def _classes(self, actions: int) -> tuple[int, ...]:
        """Return the classes of actions, among some, that no policy tells apart."""
        return partition(actions & self._walls.open, self._speaking)

    @cached_property
    def _speaking(self) -> frozenset[int]:
        """The set of actions of each statement."""
        return frozenset(s.action_set for layer in self._policies.all for s in layer.statements)

    def _prove_wide(self, step: CompiledStatement, *, changing: bool) -> Proof:
        """Decide a step that asks about many actions."""
        left, denying = self._walls.around(step, _meant(step, changing=changing))
        denied = [_denied(denying)] if denying else []
        listed = (proof for actions in self._classes(left) for proof, _ in self._decide_class(step, actions))
        return _first_open(chain(denied, listed, self._decide_unlisted(step)))

    def _decide_unlisted(self, step: CompiledStatement) -> Iterator[Proof]:
        """Decide the actions that the catalogue lacks and that an Allow names all the same."""
        for name, is_pattern in self._unlisted:
            if not step.names_action(name.lower()):
                continue
            proof = self._decide((Asked(name, step, (ANYTHING,)),))
            if is_pattern and proof.verdict is not Verdict.PROVED:
                proof = Proof(Verdict.NOT_PROVED, reason=f"no action like {name} is in the catalogue")
            yield proof

    @cached_property
    def _unlisted(self) -> tuple[tuple[str, bool], ...]:
        """(action, whether it only stands for a pattern) of what Allow statements name beside the catalogue."""
        found: dict[tuple[str, bool], None] = {}
        for layer in self._policies.all:
            for statement in layer.statements:
                for pattern in () if statement.deny else statement.unlisted:
                    wild = "*" in pattern or "?" in pattern
                    found[pattern.replace("*", "Unlisted").replace("?", "x"), wild] = None
        return tuple(found)

    def _decide_class(self, step: CompiledStatement, actions: int) -> Iterator[tuple[Proof, Strings]]:
        """Yield (proof, names) of the actions of one class: all at once where they can be proved on anything."""
        names = members(actions)
        wanted = step.resources or ("*",)
        plain = self._policies.resource is None and not self._policies.rcps
        if "*" in wanted and plain and not actions & named(tuple(ALWAYS_ALLOWED)):
            proof = self._decide((Asked(names[0], step, (ANYTHING,), anything=True),))
            if proof.verdict is Verdict.PROVED:
                yield proof, names
                return
        for alike in by_resource(actions):
            if any_may_meet(alike.formats, self.facts.partition, wanted):
                yield self._decide((Asked(alike.names[0], step, alike.formats),)), alike.names
            else:
                yield Proof(Verdict.PROVED, reason="it is not about such resources"), alike.names

    def _decide(self, asked: tuple[Asked, ...]) -> Proof:
        """Decide one action for each step."""
        if len(asked) == 1:
            found = self._single.get(asked[0])
            if found is None:
                found = self._single[asked[0]] = self._search(asked)
            return found
        undecided: Proof | None = None
        for step in asked:
            alone = self._decide((step,))
            if alone.verdict is Verdict.PROVED:
                return alone
            if alone.verdict is Verdict.NOT_PROVED:
                undecided = undecided or alone
        return undecided or self._search(asked)

    def _search(self, asked: tuple[Asked, ...]) -> Proof:
        """Search for a choice of values that lets all steps through, and replay it."""
        try:
            question = build(asked, self._policies, self.facts, self._cache)
            failed = ""
            for choice in islice(solutions(question.question), MAX_REPLAYS if question.approximate else 1):
                for requests in requests_of(choice, question, self.facts):
                    replayed = self._replay(requests, asked)
                    if replayed is not None:
                        return replayed
                    failed = ", ".join(f"{r.action} on {r.resource}" for r in requests)
        except Blocked as blocked:
            return Proof(Verdict.PROVED, statements=blocked.statements, reason=blocked.reason)
        except CapError as error:
            return Proof(Verdict.NOT_PROVED, reason=str(error))
        if failed:
            why = "depends on a policy variable of unknown value" if question.approximate else "did not replay"
            return Proof(Verdict.NOT_PROVED, reason=f"{why}: {failed}")
        if not question.denying:
            return Proof(Verdict.PROVED, reason="no request of the kind that is asked about is among those allowed")
        return _denied(question.denying)

    def _replay(self, requests: tuple[Request, ...], asked: tuple[Asked, ...]) -> Proof | None:
        """Return the witness where the evaluator allows every request and each is one that was asked for."""
        statements: dict[tuple[str, str], None] = {}
        for request, step in zip(requests, asked, strict=True):
            if not step.step.applies(request):
                return None
            decision = evaluate(request, self.layers)
            if not decision.allowed and self.layers.resource is None:
                decision = evaluate(request, self._assuming)
            if not decision.allowed:
                return None
            statements.update(dict.fromkeys(decision.statements))
        words = "; ".join(f"{r.action} on {r.resource}" for r in requests)
        return Proof(Verdict.WITNESS, requests, tuple(statements), f"allowed: {words}")

    def actions(self, names: Iterable[str]) -> dict[str, Proof]:
        """Decide for each action of the catalogue by itself whether it is allowed on any resource at all.

        Actions of which the same statements speak, and that are about the same resources, are decided once.
        """
        step = compile_statement(Statement("Any", "Allow", actions=tuple(names), resources=("*",)))
        closed = step.action_set & ~self._walls.open
        found: dict[str, Proof] = {}
        for wall in partition(closed, self._speaking) if closed else ():
            found.update(dict.fromkeys(members(wall), self._closed(next(places(wall)))))
        for actions in self._classes(step.action_set):
            for proof, alike in self._decide_class(step, actions):
                if not proof.requests:
                    found.update(dict.fromkeys(alike, proof))
                    continue
                for name in alike:
                    found[name] = replace(proof, requests=(replace(proof.requests[0], action=name),))
        return found


@lru_cache(maxsize=65_536)
def _closed(action: str, layer: str, sid: str) -> Proof:
    """Return the proof that an action is closed; the same for all roles that the same Deny closes it for."""
    if sid:
        return Proof(Verdict.PROVED, statements=((layer, sid),), reason=f"{action} is denied by {layer}:{sid}")
    return Proof(Verdict.PROVED, reason=f"nothing in {layer} allows {action}")


def _denied(statements: tuple[tuple[str, str], ...]) -> Proof:
    """Return the proof that some Deny statements leave nothing of what is asked about."""
    listed = ", ".join(f"{layer}:{sid}" for layer, sid in statements)
    one_of = "one of " if len(statements) > 1 else ""
    return Proof(Verdict.PROVED, statements=statements, reason=f"every request is denied by {one_of}{listed}")


def _meant(step: CompiledStatement, *, changing: bool) -> int:
    """Return the actions that a step of many asks about."""
    return step.action_set & writing() if changing else step.action_set


def _first_open(proofs: Iterable[Proof]) -> Proof:
    """Return the first witness, else the first that could not be decided, else a proof."""
    undecided: Proof | None = None
    proof = Proof(Verdict.PROVED, reason="no action of the catalogue is asked about")
    for proof in proofs:
        if proof.verdict is Verdict.WITNESS:
            return proof
        if proof.verdict is Verdict.NOT_PROVED:
            undecided = undecided or proof
    return undecided or proof
