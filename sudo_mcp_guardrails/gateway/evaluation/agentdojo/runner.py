"""Run the replay in AgentDojo's own environment, suite by suite, and count."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.evaluation.agentdojo.judge import POLICIES
from sudo_mcp_guardrails.gateway.evaluation.agentdojo.variants import VARIANTS
from sudo_mcp_guardrails.gateway.evaluation.errors import EvaluationError
from sudo_mcp_guardrails.gateway.evaluation.figures import figures
from sudo_mcp_guardrails.toolchain.agentdojo import agentdojo_python

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sudo_mcp_guardrails.gateway.evaluation.figures import Figures

SUITES: Final = ("workspace", "travel", "banking", "slack")
HEADLINE: Final = "standard"
ORACLE: Final = "oracle: tools of the ground truth, and provenance"
CURVE: Final = (*POLICIES, ORACLE)
ATTACKS: Final = 929
BENIGN: Final = 97
_NO_CALL: Final = ("travel", "injection_task_6")
"""An injection that asks for words alone: no tool is called, and no guard of calls can see it."""
_SECONDS: Final = 7_200.0
_ROOT: Final = Path(__file__).resolve().parents[4]
_CODE: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from sudo_mcp_guardrails.gateway.evaluation.agentdojo.replay import main; main()"
)


def evaluate(
    policies: Sequence[str] = (HEADLINE,),
    variants: Sequence[str] = tuple(VARIANTS),
    *,
    suites: Sequence[str] = SUITES,
    attacks: bool = True,
    jobs: int = 2,
    report: Callable[[str], None] | None = None,
) -> list[Figures]:
    """Return the figures of each policy, in their order.

    Args:
        policies: Of :data:`CURVE`.
        variants: Forms of the attacks.
        suites: Of AgentDojo.
        attacks: Whether attacks are run, or benign tasks alone.
        jobs: Processes at once. One policy with all forms takes about five minutes of one core.
        report: Told of each suite that is done.

    Raises:
        EvaluationError: A name is not known, or a replay failed.
        ToolchainError: AgentDojo cannot be installed.
    """
    for given, known in ((policies, CURVE), (variants, tuple(VARIANTS)), (suites, SUITES)):
        strange = sorted(set(given) - set(known))
        if strange:
            raise EvaluationError(f"{strange[0]!r} is not known, expected of {', '.join(known)}")
    python = agentdojo_python(report)
    wanted = [
        {"suite": suite, "kind": kind, "policies": list(policies), "variants": list(variants)}
        for suite in suites
        for kind in (("attack", "benign") if attacks else ("benign",))
    ]
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        rows = [row for found in pool.map(lambda each: _run(python, each, report), wanted) for row in found]
    rows = [row for row in rows if (row["suite"], row.get("injection")) != _NO_CALL]
    return [
        figures(
            policy,
            [row for row in rows if row["policy"] == policy and "injection" in row],
            [row for row in rows if row["policy"] == policy and "injection" not in row],
        )
        for policy in policies
    ]


def _run(python: Path, wanted: dict[str, Any], report: Callable[[str], None] | None) -> list[dict[str, Any]]:
    what = f"{wanted['kind']} tasks of {wanted['suite']}"
    try:
        done = subprocess.run(
            # Its own packages come first: ours is appended to its path.
            [str(python), "-I", "-c", _CODE, str(_ROOT)],
            input=json.dumps(wanted),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EvaluationError(f"{what} were not run: {error}") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise EvaluationError(f"{what} failed: {reason[0][:400]}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if report:
        report(f"{what}: {len(rows)} replays")
    return rows
