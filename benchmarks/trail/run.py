"""The trail's part of ``make bench``: pace, memory, whether cost is linear, and that nothing is lost or twice.

Takes some fifteen minutes and 8 GB of a temporary folder; ``quick`` does it with little, and so shows that it works
and nothing else.
"""

from __future__ import annotations

import os
import platform
import random
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from benchmarks.trail import crash, opensearch, pace, searchable, taking
from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchAbsentError, opensearch_node

if TYPE_CHECKING:
    from collections.abc import Callable

PACE_EVENTS: Final = 200_000
KILLS: Final = 20
"""Of the ingester, and as many of the node."""
_QUICK_EVENTS: Final = 20_000
Part = tuple[str, list[str]]


def run(*, quick: bool = False) -> Part:
    """Measure; return the report as Markdown, and what was missed.

    Args:
        quick: with little, to see that it works; what comes of it are no figures to publish.
    """
    parts: list[tuple[str, Callable[[bool], Part]]] = [
        ("read, parse and attribute", _pace),
        ("end to end into DuckDB", _taking),
        ("into OpenSearch", _opensearch),
        ("into OpenSearch by size", _searchable),
        ("kill and replay", _crash),
    ]
    reports: list[str] = []
    missed: list[str] = []
    for what, measure in parts:
        started = time.perf_counter()
        try:
            report, less = measure(quick)
        except OpenSearchAbsentError as error:
            report, less = f"**{what[:1].upper()}{what[1:]}** was not measured: {error}.", [f"{what}: {error}"]
        print(f"{what}: took {time.perf_counter() - started:.0f} s", file=sys.stderr)
        reports.append(report)
        missed += less
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "isal", "msgspec", "opensearch-py"))
    reports.append(
        f"Measured with Python {platform.python_version()}, {versions}, on {platform.system()} {platform.machine()} "
        f"with {os.cpu_count()} cores."
    )
    return "\n\n".join(reports), missed


def _pace(quick: bool) -> Part:  # noqa: FBT001 - one of several of one form
    found = pace.measure(_QUICK_EVENTS if quick else PACE_EVENTS, rounds=2 if quick else pace.ROUNDS)
    less = f"{found.extra:,.0f} events a second are read, parsed and attributed, the limit is {pace.LIMIT:,}"
    return pace.report(found), [less] if found.extra < pace.LIMIT else []


def _taking(quick: bool) -> Part:  # noqa: FBT001 - as above
    found = taking.measure(taking.QUICK if quick else taking.SIZES)
    return taking.report(found), taking.missed(found)


def _opensearch(quick: bool) -> Part:  # noqa: FBT001 - as above
    found = opensearch.measure(2_000, rounds=1) if quick else opensearch.measure()
    each = (found.ours, found.replayed, found.dynamic, found.usual)
    new, known, dynamic, usual = (sorted(paces)[len(paces) // 2] for paces in each)
    data = "the published trails of `shared/data/cloudtrail` with fresh ids" if opensearch.DATA.is_dir() else "made up"
    report = f"""\
**Into OpenSearch beside default dynamic mapping**, the same {found.events:,} events ({data}), the same node, in turn, \
medians of {len(found.ours)}:

| | new, events a second | again, events a second | refused | bytes an event |
|---|---:|---:|---:|---:|
| the sink | {new:,.0f} | {known:,.0f} | 0 | {found.bytes_ours:,.0f} |
| default dynamic mapping, by opensearch-py's `helpers.bulk` | {usual:,.0f} | | {found.refused:,} \
| {found.bytes_dynamic:,.0f} |
| default dynamic mapping, by the sink's bulk requests | {dynamic:,.0f} | | {found.refused:,} \
| {found.bytes_dynamic:,.0f} |

{found.ratio:.2f} times as fast as the usual way, the limit is {opensearch.LIMIT}; {found.mapping_ratio:.2f} times \
where only the mapping differs, {found.cpu_ratio:.2f} by processor time. Two cores carry the node and the client."""
    less = f"the sink is {found.ratio:.2f} times as fast as dynamic mapping, the limit is {opensearch.LIMIT}"
    return report, [less] if found.ratio < opensearch.LIMIT else []


def _searchable(quick: bool) -> Part:  # noqa: FBT001 - as above
    found = searchable.measure(searchable.QUICK, warm=0) if quick else searchable.measure()
    # A Java that is not warm makes the smaller of two small sizes the dearer, which says nothing.
    return searchable.report(found), [] if quick else searchable.missed(found)


def _crash(quick: bool) -> Part:  # noqa: FBT001 - as above
    points = 4 if quick else 2 * KILLS
    seed = random.randrange(2**32)  # noqa: S311 - which moments are tried is no secret
    with opensearch_node(lambda text: print(text, file=sys.stderr)) as node:
        if not node.own:
            raise OpenSearchAbsentError("OPENSEARCH_URL's node is not ours to kill; unset it")
        found = crash.run(node, "crash", points=points, seed=seed)
    report = f"""\
**Killed and replayed**, `kill -9` at {points} random moments, ingester and node in turn, on both sides of midnight \
and of a rollover (seed {seed}): {found.ingester_kills} kills hit the ingester at work and {found.node_kills} the \
node. Of {found.events:,} events {found.acknowledged:,} had been acknowledged, of which {found.lost:,} were missing \
before the replay; it added {found.replayed:,}, a second one {found.again:,}, and in the end {found.after:,} are \
there, {found.missing:,} are missing, and {max(0, found.after - found.events):,} are there twice."""
    return report, [] if found.exact else [f"not exactly once with seed {seed}: {found}"]
