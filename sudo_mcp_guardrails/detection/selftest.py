"""Rules against their cases, and their cases against their mutants: what ``mcp-guardrails detect test`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.detection import mutants
from sudo_mcp_guardrails.detection.correlating import Correlator
from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.ruleset import Ruleset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sudo_mcp_guardrails.detection.cases import Case, Cases
    from sudo_mcp_guardrails.detection.compiled import RuleBook
    from sudo_mcp_guardrails.detection.matching.condition import Condition
    from sudo_mcp_guardrails.detection.rule import Correlation, Rule


@dataclass(frozen=True, slots=True)
class Failure:
    """A case in which a rule does not do what the case says.

    Attributes:
        rule: the rule's name.
        why: what is wrong, in one line.
    """

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no case tells from its rule.

    Attributes:
        rule: the rule's name.
        what: what the mutant leaves out.
    """

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    Attributes:
        rules: how many rules and correlations there are.
        cases: how many cases were tried.
        failures: cases that failed, rules without cases and cases without a rule.
        mutants: how many mutants were tried.
        survivors: those that no case caught.
    """

    rules: int
    cases: int
    failures: tuple[Failure, ...]
    mutants: int
    survivors: tuple[Survivor, ...]

    @property
    def failed(self) -> int:
        """How many failures there are."""
        return len(self.failures)

    @property
    def killed(self) -> int:
        """How many mutants were caught."""
        return self.mutants - len(self.survivors)

    @property
    def ok(self) -> bool:
        """Whether every case held and every mutant was caught."""
        return not self.failures and not self.survivors


def run(book: RuleBook, cases: Mapping[str, Cases]) -> Report:
    """Try all rules of a book on their cases, and their cases on their mutants.

    Args:
        book: the rules and correlations.
        cases: the cases of each, by its name.

    Raises:
        RuleError: for rules that cannot be used together.
    """
    everything = Ruleset(book.rules)
    rules = {rule.name: rule for rule in book.rules}
    names = [*rules, *(one.name for one in book.correlations)]
    failures = [Failure(name, "cases of a rule that is not there") for name in sorted(cases.keys() - set(names))]
    survivors: list[Survivor] = []
    tried = mutated = 0
    for name in names:
        own = cases.get(name)
        if own is None or own.sequences is (name in rules) or not any(one.fires for one in own.cases):
            wanted = "events" if name in rules else "sequences"
            failures.append(Failure(name, f"no positive cases, expected at least one, of {wanted}"))
            continue
        tried += len(own.cases)
        if name in rules:
            failures.extend(_failed(rules[name], own.cases, everything))
            count, left = _survived(rules[name], own.cases)
        else:
            correlation = next(one for one in book.correlations if one.name == name)
            ruled = [_ruled(case, correlation.rules, rules) for case in own.cases]
            failures.extend(
                Failure(name, _says(case))
                for case, events in zip(own.cases, ruled, strict=True)
                if _comes_true(correlation, events) is not case.fires
            )
            count, left = _correlation_survived(correlation, own.cases, ruled)
        mutated += count
        survivors.extend(Survivor(name, what) for what in left)
    return Report(len(names), tried, tuple(failures), mutated, tuple(survivors))


def _says(case: Case) -> str:
    return f"{'silent on' if case.fires else 'fires on'} {case.why}"


def _failed(rule: Rule, cases: Iterable[Case], everything: Ruleset) -> list[Failure]:
    return [
        Failure(rule.name, _says(case))
        for case in cases
        if any(
            (rule in everything.matching(step.event, step.agent)) is not case.fires
            or matcher(rule.condition)(step.document) is not case.fires
            for step in case.steps
        )
    ]


def _survived(rule: Rule, cases: Sequence[Case]) -> tuple[int, list[str]]:
    documents = [(case.steps[0].document, case.fires) for case in cases]
    found = mutants.of_condition(rule.condition)
    return len(found), [one.what for one in found if not _differs(one.condition, documents)]


def _differs(condition: Condition, documents: Iterable[tuple[Mapping[str, object], bool]]) -> bool:
    test = matcher(condition)
    return any(test(document) is not fires for document, fires in documents)


_Ruled = list[tuple["Sequence[Rule]", "Mapping[str, object]", str, int]]


def _ruled(case: Case, names: Sequence[str], rules: Mapping[str, Rule]) -> _Ruled:
    """Return a case's events in the order of their time, each with the rules of the correlation that fire on it."""
    tests = [(rules[name], matcher(rules[name].condition)) for name in names]
    found: _Ruled = []
    for step in case.steps:
        fired = [rule for rule, test in tests if test(step.document)]
        if fired:
            found.append((fired, step.document, str(step.event["eventID"]), step.time))
    return found


def _comes_true(correlation: Correlation, events: _Ruled) -> bool:
    correlator = Correlator([correlation])
    return any(correlator.add(rules, document, event_id, time) for rules, document, event_id, time in events)


def _correlation_survived(
    correlation: Correlation, cases: Sequence[Case], ruled: Sequence[_Ruled]
) -> tuple[int, list[str]]:
    found = mutants.of_correlation(correlation)
    left = [
        one.what
        for one in found
        if all(_comes_true(one.correlation, events) is case.fires for case, events in zip(cases, ruled, strict=True))
    ]
    return len(found), left
