"""Decisions a second on the project's own requests: our evaluator beside the outside simulator."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from benchmarks.iam.corpus import askers
from benchmarks.iam.simulate import PACKAGE, VERSION, Simulator, simulation
from sudo_mcp_guardrails.iam.evaluate import Layers, evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.iam.simulate import Answer
    from sudo_mcp_guardrails.iam.request import Request

RUNS: Final = 5
SAMPLE: Final = 4_000
"""About how many of the requests the simulator decides as well; it would need minutes for all."""
DECISIONS_LIMIT: Final = 50_000
RATIO_LIMIT: Final = 10.0


@dataclass(frozen=True)
class Speed:
    """What was measured.

    Args:
        requests: How many different requests the corpus has.
        decided: How many were ``allowed``, ``denied`` and ``not allowed``.
        best: Decisions a second on all of them, the best run.
        sample: How many the simulator decided too.
        ours: Decisions a second on the sample, the best run.
        theirs: The simulator's, the best run.
        agreed: How many of the sample the two decided alike.
    """

    requests: int
    decided: Counter[str]
    best: float
    sample: int
    ours: float
    theirs: float
    agreed: int

    @property
    def ratio(self) -> float:
        """How many times the simulator's speed."""
        return self.ours / self.theirs


def fresh(requests: Sequence[Request]) -> list[Request]:
    """Return the same requests as new objects, so that no run finds what another computed."""
    return [replace(request) for request in requests]


def _decide(asked: Sequence[tuple[Layers, Sequence[Request]]]) -> float:
    """Return decisions a second."""
    count = sum(len(requests) for _, requests in asked)
    started = time.perf_counter()
    for layers, requests in asked:
        for request in requests:
            evaluate(request, layers)
    return count / (time.perf_counter() - started)


def measure(sample: int = SAMPLE, runs: int = RUNS) -> Speed:
    """Measure both in turn.

    Args:
        sample: About how many requests the simulator decides.
        runs: How often.

    Raises:
        ToolchainError: The simulator cannot be had.
    """
    everything = [(asker.layers, asker.requests) for asker in askers()]
    count = sum(len(requests) for _, requests in everything)
    stride = max(1, count // sample)
    best = ours = theirs = 0.0
    with Simulator() as simulator:
        chosen, answers = _accepted([(layers, requests[::stride]) for layers, requests in everything], simulator)
        lines = [line for layers, requests in chosen for line in _lines(layers, requests)]
        for _ in range(runs):
            best = max(best, _decide([(layers, fresh(requests)) for layers, requests in everything]))
            ours = max(ours, _decide([(layers, fresh(requests)) for layers, requests in chosen]))
            _, seconds = simulator.ask(lines)
            theirs = max(theirs, len(answers) / seconds)
    decided = Counter(_kind(request, layers) for layers, requests in everything for request in requests)
    pairs = zip((evaluate(r, layers).allowed for layers, requests in chosen for r in requests), answers, strict=True)
    agreed = sum(allowed == answer.allowed for allowed, answer in pairs)
    return Speed(count, decided, best, len(answers), ours, theirs, agreed)


def _kind(request: Request, layers: Layers) -> str:
    decision = evaluate(request, layers)
    return "allowed" if decision.allowed else "denied" if decision.explicit else "not allowed"


def _accepted(
    asked: list[tuple[Layers, Sequence[Request]]], simulator: Simulator
) -> tuple[list[tuple[Layers, list[Request]]], list[Answer]]:
    """Return the requests that the simulator takes, with its answers; a refusal would cost it nothing."""
    chosen, kept = [], []
    for layers, requests in asked:
        answers, _ = simulator.ask(_lines(layers, requests))
        pairs = [(r, a) for r, a in zip(requests, answers, strict=True) if a.result is not None]
        chosen.append((layers, [request for request, _ in pairs]))
        kept += [answer for _, answer in pairs]
    return chosen, kept


def _lines(layers: Layers, requests: Sequence[Request]) -> list[dict[str, Any]]:
    """Return the requests as the simulator reads them, the policies by name."""
    names: dict[str, Any] = {}

    def named(value: Any) -> Any:  # noqa: ANN401 - walks any JSON value
        if isinstance(value, list):
            return [named(item) for item in value]
        if isinstance(value, dict):
            if "Statement" in value:
                name = f"{id(layers)}-{len(names)}"
                names[name] = value
                return {"$document": name}
            return {key: named(item) for key, item in value.items()}
        return value

    if not requests:
        return []
    policies = named({k: v for k, v in simulation(requests[0], layers).items() if k != "request"})
    documents = [{"document": name, "value": value} for name, value in names.items()]
    without = Layers()
    return documents + [{**policies, "request": simulation(r, without)["request"]} for r in requests]


def report(speed: Speed) -> str:
    """Return what was measured as Markdown."""
    decided = ", ".join(f"{count:,} {kind}" for kind, count in speed.decided.most_common())
    return f"""\
| | decisions a second, one core |
|---|---:|
| our evaluator, all {speed.requests:,} requests | {speed.best:,.0f} |
| our evaluator, {speed.sample:,} of them | {speed.ours:,.0f} |
| `{PACKAGE}` {VERSION} `runSimulation`, the same {speed.sample:,} | {speed.theirs:,.0f} |

Ratio on the same requests {speed.ratio:.1f}; the limits are {DECISIONS_LIMIT:,} a second and {RATIO_LIMIT:.0f} times. \
Best of {RUNS} runs of each in turn, new request objects in each run, no whole decision remembered. The requests \
are those of the demo's agents, each different: {decided}. On the sample the two agree on {speed.agreed:,}."""
