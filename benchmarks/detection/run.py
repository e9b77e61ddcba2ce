"""Detection's part of ``make bench``: how many events a second one core looks at, beside a published matcher.

Each engine gets the same parsed events in the same process, in turn, the best of some rounds. Both get the same made-up
rules; ours once more with all rules of the project beside. What both find is compared.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from benchmarks.detection.baselines import memory
from benchmarks.detection.public_shapes import RULES, rules
from benchmarks.trail.events import documents
from sudo_mcp_guardrails.detection.compiled import shipped
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.ruleset import Ruleset
from sudo_mcp_guardrails.detection.sigma import read_rules
from sudo_mcp_guardrails.detection.watch import Watch
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.collector import rare_collections
from sudo_mcp_guardrails.trail.reading import read_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sudo_mcp_guardrails.detection.compiled import RuleBook

DATA: Final = Path(__file__).parents[3] / "shared" / "data" / "cloudtrail"
AGENTS: Final = 10_000
CALLS: Final = 60
"""Of a run: with more of the same, baselines take no more memory."""
MEGABYTES: Final = 64
"""What the baselines of so many agents may take."""
LIMIT: Final = 120_000
"""Events a second, on one core, with all rules."""
OWN_RULES: Final = 30
EVENTS: Final = 100_000
PEER_EVENTS: Final = 5_000
ROUNDS: Final = 5


def stream(count: int) -> list[dict[str, Any]]:
    """Return parsed events: every other from published trails, where they are there, and the rest made up."""
    published: list[dict[str, Any]] = []
    for file in sorted(DATA.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            published.extend(json.loads(line)["event"] for line in lines)
    made = documents(count if not published else count - count // 2)
    if not published:
        return list(made)
    mixed: list[dict[str, Any]] = []
    for one, other in zip(made, cycle(published), strict=False):
        mixed += (one, other)
    return mixed[:count]


def run() -> tuple[str, list[str]]:
    """Measure; return the report as Markdown, and what was missed."""
    text = yaml.safe_dump_all(rules())
    public = read_rules(text, "public shapes")
    own = shipped()
    both = own + public
    events = stream(EVENTS)
    with rare_collections():
        alone = _best(_matching(public), events)
        all_rules = _best(_matching(both), events)
        peer, disagreed, untold = _peer(text, public, events[:PEER_EVENTS])
        whole = _pipeline(both, events)
    print(f"learning baselines of {AGENTS:,} agents", file=sys.stderr)
    held = memory(AGENTS, calls=CALLS)
    count = len(own.rules) + len(own.correlations)
    report = f"""\
One core, {EVENTS:,} events, {"every other of published trails" if DATA.exists() else "made up"}, the best of {ROUNDS} \
rounds; the limit is {LIMIT:,} with all rules:

| | events a second |
|---|---:|
| all {count} rules of the project and {RULES} of the shapes that public rule sets use | {all_rules:,.0f} |
| these {RULES} alone | {alone:,.0f} |
| `sigma-rule-matcher` {version("sigma-rule-matcher")}, these {RULES} | {peer:,.0f} |
| whole: read `.json.gz`, attribute, all rules, correlations | {whole:,.0f} |

{alone / peer:,.0f} times as fast as the peer on the same rules and events; of {PEER_EVENTS:,} events times {RULES} \
rules the two disagree on {disagreed}, and the peer cannot tell of {untold}.

Baselines of {AGENTS:,} agents, each with 14 runs of {CALLS} calls on 14 days, all learned and looked at once, take \
{held["megabytes"]:,} MB with everything in memory, {held["peak_megabytes"]:,} MB at most, and \
{held["packed_bytes_each"]:,} bytes an agent packed; the limit is {MEGABYTES} MB.

Measured with Python {platform.python_version()}, pySigma {version("pysigma")}, on {platform.system()} \
{platform.machine()} with {os.cpu_count()} cores."""
    missed = []
    if all_rules < LIMIT:
        missed.append(f"all rules look at {all_rules:,.0f} events a second, the limit is {LIMIT:,}")
    if count < OWN_RULES:
        missed.append(f"there are {count} rules, the limit is {OWN_RULES}")
    if held["peak_megabytes"] > MEGABYTES:
        missed.append(f"baselines take {held['peak_megabytes']} MB, the limit is {MEGABYTES}")
    if disagreed:
        missed.append(f"the two matchers disagree on {disagreed}")
    return report, missed


def _matching(book: RuleBook) -> Callable[[Sequence[dict[str, Any]]], int]:
    matching = Ruleset(book.rules).matching

    def count(events: Sequence[dict[str, Any]]) -> int:
        return sum(len(matching(event)) for event in events)

    return count


def _best(count: Callable[[Sequence[dict[str, Any]]], int], events: Sequence[dict[str, Any]]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        count(events)
        best = min(best, time.perf_counter() - started)
    print(f"{len(events):,} events in {best:.2f} s", file=sys.stderr)
    return len(events) / best


def _peer(text: str, public: RuleBook, events: Sequence[dict[str, Any]]) -> tuple[float, int, int]:
    """Return the peer's pace, and on how many pairs of an event and a rule it and ours disagree, or it cannot tell."""
    from sigma.rule import SigmaRule  # noqa: PLC0415 - of the group bench
    from sigma_rule_matcher import RuleMatcher  # noqa: PLC0415 - as above

    matchers = [(one["name"], RuleMatcher(SigmaRule.from_dict(one))) for one in yaml.safe_load_all(text)]

    def told(matcher: Any, event: dict[str, Any]) -> bool | None:  # noqa: ANN401 - of the peer, which has no types
        try:
            return bool(matcher.match(event))
        except NotImplementedError:  # a list where a rule has a text
            return None

    def count(given: Sequence[dict[str, Any]]) -> int:
        return sum(bool(told(matcher, event)) for event in given for _, matcher in matchers)

    pace = _best(count, events)
    matching = Ruleset(public.rules).matching
    disagreed = untold = 0
    for event in events:
        found = {rule.name for rule in matching(event)}
        for name, matcher in matchers:
            theirs = told(matcher, event)
            untold += theirs is None
            disagreed += theirs is not None and theirs is not (name in found)
    return pace, disagreed, untold


def _pipeline(book: RuleBook, events: Sequence[dict[str, Any]]) -> float:
    """Return the pace of the whole: files as CloudTrail delivers them, read, attributed and looked at."""
    each = iter(events)
    files: list[bytes] = []
    while part := list(islice(each, 2_000)):
        files.append(gzip.compress(json.dumps({"Records": part}, separators=(",", ":")).encode(), 6))

    def count(_: Sequence[dict[str, Any]]) -> int:
        watch = Watch(Detector(book), Attributor())
        contents = (content for data in files for content in read_pieces("file.json.gz", data))
        return sum(1 for content in contents for _ in watch.through(content.events))

    return _best(count, events)
