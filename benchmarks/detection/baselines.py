"""What baselines find and how often they are wrong on made-up work, and how much memory 10,000 agents take."""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.sessions import ATTACKS, DAY, START, Made
from sudo_mcp_guardrails.detection.baseline import Baselines, MemoryStore, baseline_layers
from sudo_mcp_guardrails.detection.baseline.calls import Call
from sudo_mcp_guardrails.detection.compiled import RuleBook
from sudo_mcp_guardrails.detection.detector import Detector

if TYPE_CHECKING:
    from benchmarks.detection.sessions import Session
    from sudo_mcp_guardrails.detection.alert import Alert

TAUGHT: Final = 20
"""Days that are learned before anything is counted."""
WATCHED: Final = 10
_MEGABYTE: Final = 1_000_000


def quality(seed: int = 1, agents: int = 30) -> dict[str, Any]:
    """Return false alarms per 1,000 events of benign work, and how many attacks each layer found.

    Args:
        seed: of the work.
        agents: how many.
    """
    made = Made(seed, agents)
    baselines = Baselines(MemoryStore())
    detector = Detector(RuleBook(()), layers=baseline_layers(baselines))
    for day in range(TAUGHT):
        for session in made.day(day):
            _look(detector, session)
            baselines.learn(session.run, clean=True)
    wrong: Counter[str] = Counter()
    events = sessions = 0
    seconds = 0.0
    for day in range(TAUGHT, TAUGHT + WATCHED):
        for session in made.day(day):
            begin = time.perf_counter()
            wrong.update(alert.rule for alert in _look(detector, session))
            seconds += time.perf_counter() - begin
            events += len(session.events)
            sessions += 1
            baselines.learn(session.run, clean=True)
    found: dict[str, Counter[str]] = {attack: Counter() for attack in ATTACKS}
    for attack in ATTACKS:
        for agent in made.agents:
            session = made.session(agent, TAUGHT + WATCHED, attack)
            rules = {alert.rule for alert in _look(detector, session)}
            found[attack].update(rules | ({"any"} if rules else set()))
            baselines.learn(session.run, clean=False)
    return {
        "events": events,
        "sessions": sessions,
        "wrong": dict(sorted(wrong.items())),
        "per_1000": round(1000 * sum(wrong.values()) / events, 2),
        "found": {attack: dict(counts) for attack, counts in found.items()},
        "attacks_each": len(made.agents),
        "events_per_second": round(events / seconds),
    }


def memory(agents: int = 10_000, days: int = 14, calls: int = 120) -> dict[str, Any]:
    """Return the megabytes that baselines of many agents take, learned and packed, with the hot ones unpacked.

    Args:
        agents: how many; each has one run a day.
        days: of work that are learned.
        calls: in each run.
    """
    made = Made(7, 60)  # as many sessions as there are agents would be the same work under other names
    shapes = [[Call.of(one.event) for one in made.session(agent, 0).events] for agent in made.agents]
    # An agent does what three of these do: some 50 different actions.
    read = [shapes[place] + shapes[place - 1] + shapes[place - 2] for place in range(len(shapes))]
    gc.collect()
    tracemalloc.start()
    store = MemoryStore()
    baselines = Baselines(store)
    for number in range(agents):
        calls_of = read[number % len(read)]
        for day in range(days):
            run = f"run-{number}-{day}"
            for place in range(calls):
                call = calls_of[(place * (1 + day) + number) % len(calls_of)]
                baselines.note(f"agent-{number}", run, "read", call, START + day * DAY + place * 60)
            baselines.learn(run, clean=True)
    for number in range(agents):
        baselines.view(f"agent-{number}", "read", START // DAY + days)
    baselines.flush()
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    packed = sum(len(store.load(f"agent/agent-{number}") or b"") for number in range(agents))
    return {
        "agents": agents,
        "megabytes": round(held / _MEGABYTE, 1),
        "peak_megabytes": round(peak / _MEGABYTE, 1),
        "packed_bytes_each": packed // agents,
    }


def _look(detector: Detector, session: Session) -> list[Alert]:
    return [alert for event in session.events for alert in detector.look(event)]


if __name__ == "__main__":
    print(quality(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
    print(memory(int(sys.argv[2]) if len(sys.argv) > 2 else 500))  # noqa: PLR2004 - the second argument
