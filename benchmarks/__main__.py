"""``make bench``: measure here and now, print it, and write it to docs/benchmarks.md; exit 1 where a limit is missed.

``python -m benchmarks PART`` runs one part alone: ``synthesis``, ``landing-zone``, ``organization``, ``iam``,
``trail``, ``approvals``, ``detection``,
``detection-benign`` or ``gateway``. The two syntheses alternate, each in a fresh process,
so that a busy moment of the machine hits both. With ``--quick`` the part ``trail`` takes little, to see that it works;
nothing is written then. With ``--seed N`` the part ``detection-benign`` plays what that seed decides.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import landing_zone
from benchmarks.synthesis import AGENTS, TEMPLATE
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "benchmarks.md"
RATIO_LIMIT: Final = 1.5
IMPORT_LIMIT: Final = 0.100
REPETITIONS: Final = 9
IMPORTS: Final = 10
_TIMEOUT: Final = 300
# Prints its own seconds, so that the start of the interpreter does not count, and whether jsii was imported:
# nothing else of ours could start Node. A process that Node ran in would also show as a child.
_IMPORT: Final = """
import sys, time
started = time.perf_counter()
import sudo_mcp_guardrails.iam
seconds = time.perf_counter() - started
import resource
print(seconds, "jsii" in sys.modules or resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0)
"""


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of every process: bytecode is kept, whatever the caller's shell says, and kept apart.

    Compiling the CDK's Python anew would take longer than what is measured, and would flatter the ratio.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "pycache")}


def synthesis(kind: str, folder: Path, name: str, *template: Path, validation: bool = False) -> float:
    """Synthesize in a fresh process and return its seconds, the interpreter's and Node's start included.

    Args:
        kind: ``guardrails`` or ``hand``.
        folder: Where all is written.
        name: The folder in it that takes the assembly.
        template: The template whose resources are written by hand.
        validation: Whether the CDK's built-in validation runs.

    Raises:
        subprocess.CalledProcessError: Where it fails; what it said is on standard error.
    """
    variables = {**environment(folder), "CDK_VALIDATION": "true" if validation else "false"}
    command = [sys.executable, "-m", "benchmarks.synthesis", kind, str(folder / name), *map(str, template)]
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, env=variables, timeout=_TIMEOUT)
    return time.perf_counter() - started


def resources(out: Path) -> dict[str, object]:
    """Return a synthesized template's resources without their metadata, which no L1 writes."""
    found = json.loads((out / TEMPLATE).read_text(encoding="utf-8"))["Resources"]
    return {
        name: {key: value for key, value in resource.items() if key != "Metadata"} for name, resource in found.items()
    }


def import_seconds(folder: Path) -> tuple[float, bool]:
    """Return the least seconds that ``import sudo_mcp_guardrails.iam`` takes, and whether Node was ever started."""
    least, node, variables = float("inf"), False, environment(folder)
    for _ in range(IMPORTS):
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=variables,
            timeout=_TIMEOUT,
        )
        seconds, started = done.stdout.split()
        least, node = min(least, float(seconds)), node or started == "True"
    return least, node


def table(times: dict[str, list[float]], validated: float, imported: float, *, node: bool, count: int) -> str:
    """Return the report as Markdown."""
    rows = "\n".join(
        f"| {name} | {min(seconds):.2f} | {statistics.median(seconds):.2f} |" for name, seconds in times.items()
    )
    versions = ", ".join(f"{name} {version(name)}" for name in ("aws-cdk-lib", "jsii", "constructs"))
    verdict = "missed" if ratio(times, statistics.median) > RATIO_LIMIT else "kept"
    return f"""\
{AGENTS} agents, {count} resources in one stack, {REPETITIONS} runs of each in turn, seconds of the whole process:

| | minimum | median |
|---|---:|---:|
{rows}

Ratio of the medians {ratio(times, statistics.median):.2f}, of the minima {ratio(times, min):.2f}; the limit \
of {RATIO_LIMIT} for the medians is {verdict}. Both ran without rule packs and with `CDK_VALIDATION=false`; \
with the CDK's built-in validation on, one run of `AgentGuardrails` took {validated:.2f}.

`import sudo_mcp_guardrails.iam`: {imported * 1000:.0f} ms, the least of {IMPORTS} fresh processes; the limit is \
{IMPORT_LIMIT * 1000:.0f} ms. Node was {"started" if node else "not started"}.

Measured with Python {platform.python_version()}, Node {use_node().version}, {versions}, on {platform.system()} \
{platform.machine()} with {os.cpu_count()} cores."""


def ratio(times: dict[str, list[float]], how: Callable[[list[float]], float]) -> float:
    """Return the library's seconds over those by hand, each summed up by ``min`` or ``statistics.median``."""
    library, hand = times.values()
    return how(library) / how(hand)


def write(part: str, report: str, page: Path = PAGE) -> None:
    """Put a report between the page's markers of its part.

    Raises:
        ValueError: Where the page has not exactly one of each.
    """
    markers = (f"<!-- measured: {part}: begin -->", f"<!-- measured: {part}: end -->")
    text = page.read_text(encoding="utf-8")
    if [text.count(marker) for marker in markers] != [1, 1]:
        raise ValueError(f"page {page.name!r} is not allowed: expected {markers[0]!r} and {markers[1]!r}, once each")
    before, _, rest = text.partition(markers[0])
    after = rest.partition(markers[1])[2]
    page.write_text(f"{before}{markers[0]}\n{report}\n{markers[1]}{after}", encoding="utf-8")


def measure_synthesis() -> tuple[str, list[str]]:
    """Measure synthesis and the import; return the report as Markdown, and what was missed."""
    use_node()  # installs Node where there is none, which must not count
    times: dict[str, list[float]] = {"`AgentGuardrails`": [], "by hand, as L1s": []}
    library, hand = times.values()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthesis("guardrails", folder, "warm")  # compiles Python, unpacks jsii's modules into its cache
        synthesis("hand", folder, "warm-hand", folder / "warm" / TEMPLATE)
        same = resources(folder / "warm") == resources(folder / "warm-hand")
        count = len(resources(folder / "warm"))
        for run in range(REPETITIONS):
            library.append(synthesis("guardrails", folder, f"guardrails-{run}"))
            hand.append(synthesis("hand", folder, f"hand-{run}", folder / "warm" / TEMPLATE))
            print(f"run {run + 1}: {library[-1]:.2f} s, by hand {hand[-1]:.2f} s", file=sys.stderr)
        validated = synthesis("guardrails", folder, "validated", validation=True)
        imported, node = import_seconds(folder)
    missed = [
        what
        for what, is_missed in (
            ("the two templates have different resources", not same),
            (f"synthesis takes more than {RATIO_LIMIT} times as long", ratio(times, statistics.median) > RATIO_LIMIT),
            (f"the import takes more than {IMPORT_LIMIT * 1000:.0f} ms", imported > IMPORT_LIMIT),
            ("the import starts Node", node),
        )
        if is_missed
    ]
    return table(times, validated, imported, node=node, count=count), missed


def measure_iam() -> tuple[str, list[str]]:
    """Measure the evaluator and the prover; return the report as Markdown, and what was missed."""
    from benchmarks.iam import run  # noqa: PLC0415 - synthesis can be measured without z3 and moto

    return run.run()


def measure_organization() -> tuple[str, list[str]]:
    """Measure the SCPs of agents beside published ones; return the report as Markdown, and what was missed."""
    from benchmarks.iam import collections  # noqa: PLC0415 - synthesis can be measured without the prover

    found = collections.measure()
    missed = [] if found[-1].together == collections.SETS else ["an escalation set that the own SCPs do not block"]
    return collections.report(found), missed


def measure_trail(*, quick: bool = False) -> tuple[str, list[str]]:
    """Measure the audit pipeline; return the report as Markdown, and what was missed."""
    from benchmarks.trail import run  # noqa: PLC0415 - the others can be measured without DuckDB and OpenSearch

    return run.run(quick=quick)


def measure_approvals() -> tuple[str, list[str]]:
    """Measure approvals in flight; return the report as Markdown, and what was missed."""
    from benchmarks.approvals import run  # noqa: PLC0415 - the others can be measured without the embedded AWS

    return run.run()


def measure_detection() -> tuple[str, list[str]]:
    """Measure how fast events are matched, beside a published matcher; return the report, and what was missed."""
    from benchmarks.detection import run  # noqa: PLC0415 - the others can be measured without pySigma

    return run.run()


def measure_gateway() -> tuple[str, list[str]]:
    """Measure what the gateway adds to a call, beside other proxies; return the report, and what was missed."""
    from benchmarks.gateway import latency  # noqa: PLC0415 - the others can be measured without the SDK

    return latency.run()


def measure_detection_benign(seed: int | None = None) -> tuple[str, list[str]]:
    """Measure what the rules say of work in which nothing is wrong; return the report, and what was missed."""
    from benchmarks.detection.benign import run  # noqa: PLC0415 - the others can be measured without the embedded AWS

    return run.run(seed)


PARTS: Final[dict[str, Callable[[], tuple[str, list[str]]]]] = {
    "synthesis": measure_synthesis,
    "landing-zone": landing_zone.measure,
    "organization": measure_organization,
    "iam": measure_iam,
    "trail": measure_trail,
    "approvals": measure_approvals,
    "detection": measure_detection,
    "detection-benign": measure_detection_benign,
    "gateway": measure_gateway,
}
QUICK: Final = "--quick"
SEED: Final = "--seed"


def main(names: list[str]) -> int:
    """Measure, print, write, and return the exit code.

    Args:
        names: Parts to measure. Default: all. ``--quick`` among them: with little, and nothing is written.
            ``--seed`` and a number: what the part detection-benign plays.
    """
    seed = None
    if SEED in names:
        place = names.index(SEED)
        told = names[place + 1 : place + 2]
        if names[:place] + names[place + 2 :] != ["detection-benign"] or not (told and told[0].isdecimal()):
            print(f"{SEED} is for the part detection-benign alone, with a number after it", file=sys.stderr)
            return 2
        seed, names = int(told[0]), ["detection-benign"]
    quick = QUICK in names
    names = [name for name in names if name != QUICK]
    if quick and names != ["trail"]:
        print(f"{QUICK} is for the part trail alone", file=sys.stderr)
        return 2
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        print(f"part {unknown[0]!r} is not known, expected {' or '.join(PARTS)}", file=sys.stderr)
        return 2
    missed: list[str] = []
    for name in names or PARTS:
        if seed is not None:
            report, less = measure_detection_benign(seed)
        else:
            report, less = measure_trail(quick=True) if quick else PARTS[name]()
        print(report)
        if not quick:
            write(name, report)
        missed += less
    for what in missed:
        print(f"missed: {what}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
