"""The IAM half of ``make bench``: speed beside the outside simulator, agreement with it and with z3, soundness."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from benchmarks.iam import decisions, differential, provers, solver, soundness
from benchmarks.iam.managed_policies import PACKAGE, VERSION
from sudo_mcp_guardrails.iam.catalogue import catalogue_version

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parent.parent.parent
_TIMEOUT: Final = 600
_SLICE: Final = 500
"""Stacks that one process asks about at a time."""
T = TypeVar("T")


def run() -> tuple[str, list[str]]:
    """Measure and compare; return the report as Markdown, and what was missed.

    Raises:
        GuardrailsError: The simulator or the managed policies cannot be had.
    """
    speed = _timed("decisions a second", decisions.measure)
    parts = {name: _timed(f"prover, {name}", partial(_fresh, name)) for name in provers.PARTS}
    compared = _timed("agreement with the simulator", differential.compare_all)
    agreed = _timed("agreement with z3", solver.compare)
    sound = _timed("soundness", _soundness)
    missed = [
        *(what for what, is_missed in _checks(speed, compared, agreed, sound) if is_missed),
        *(f"{n} takes {p['seconds']:.2f} s" for n, p in parts.items() if p["seconds"] > provers.LIMITS[n]),
        *(f"a property of the landing zone is {v}" for v in parts["landing-zone"]["verdicts"] if v != "PROVED"),
    ]
    for line in differential.smallest(compared):
        print(line, file=sys.stderr)
    report = f"""\
{decisions.report(speed)}

{provers.report(parts)}

**Agreement with the simulator.** {differential.report(compared)}

**Agreement with z3** {version("z3-solver")}. {solver.report(agreed)}

**Soundness.** {soundness.report(sound)}

Managed policies of `{PACKAGE}` {VERSION}, action data {catalogue_version()}."""
    return report, missed


def _checks(
    speed: decisions.Speed, compared: differential.Comparison, agreed: solver.Agreement, sound: soundness.Soundness
) -> list[tuple[str, bool]]:
    """Return what must not be, and whether it is."""
    return [
        (f"fewer than {decisions.DECISIONS_LIMIT:,} decisions a second", speed.best < decisions.DECISIONS_LIMIT),
        (f"less than {decisions.RATIO_LIMIT} times the simulator", speed.ratio < decisions.RATIO_LIMIT),
        ("a decision on the project's own requests that the simulator does not share", speed.agreed < speed.sample),
        ("an unexplained difference from the simulator", bool(compared.unexplained)),
        ("a condition key that the simulator dropped", bool(compared.ignored)),
        ("a difference from z3", bool(agreed.differing)),
        ("a stack left open beside z3", bool(agreed.open)),
        ("an allowed request in a set that the prover called empty", bool(sound.missed)),
        ("a witness that does not replay", bool(sound.failed)),
    ]


def _timed(what: str, measure: Callable[[], T]) -> T:
    started = time.perf_counter()
    found = measure()
    print(f"{what}: took {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return found


def _fresh(part: str) -> dict[str, Any]:
    """Measure one part of the prover in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.iam.provers", part]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=_TIMEOUT)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _soundness() -> soundness.Soundness:
    """Ask about all stacks, on all cores."""
    found = soundness.Soundness()
    with ProcessPoolExecutor() as pool:
        slices = [range(start, start + _SLICE) for start in range(0, soundness.STACKS, _SLICE)]
        for part in pool.map(soundness.check, slices):
            found.add(part)
    return found
