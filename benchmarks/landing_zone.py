"""A landing zone of 20 OUs, 50 accounts and 100 agents, each in two accounts: how long, how many, how large.

``python -m benchmarks.landing_zone`` synthesizes it in a fresh process, without and with the rule packs and the proof,
and prints the figures; it exits 1 where the limit is missed. ``python -m benchmarks.landing_zone OUT [enforce]`` is
that process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    import aws_cdk as cdk

ROOT: Final = Path(__file__).parent.parent
OUS: Final = 20
ACCOUNTS: Final = 50
AGENTS: Final = 100
LIMIT: Final = 60.0
"""Seconds of a synthesis on two cores, with the rule packs, the Guard rules and the proof."""
REGION: Final = "eu-central-1"
_TIMEOUT: Final = 600
_RESOURCES: Final = 500


def build(app: cdk.App) -> None:
    """Add the landing zone to an app."""
    from sudo_mcp_guardrails import Agent, AgentEnvironment, AgentLandingZone  # noqa: PLC0415 - is measured

    accounts = [str(100_000_000_001 + number) for number in range(ACCOUNTS)]
    agents = [
        Agent(
            f"agent{number:03}",
            owner="platform@example.com",
            services=["s3", "lambda", "dynamodb"],
            environments=[
                AgentEnvironment.sandbox(accounts[number % ACCOUNTS], regions=[REGION]),
                AgentEnvironment.production(accounts[(number * 7 + 1) % ACCOUNTS], regions=[REGION]),
            ],
        )
        for number in range(AGENTS)
    ]
    AgentLandingZone(
        app,
        "LandingZone",
        management_account="999999999999",
        log_archive_account="888888888888",
        security_account="777777777777",
        home_region=REGION,
        agents=agents,
        targets=[f"ou-a1b2-{number:08}" for number in range(OUS)],
    )


def templates(out: Path) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return the bytes and the resources of each template below a folder, by its name."""
    return {
        path.name: (path.stat().st_size, json.loads(path.read_text(encoding="utf-8"))["Resources"])
        for path in sorted(out.glob("**/*.template.json"))
    }


def figures(out: Path) -> dict[str, int]:
    """Return what the stacks hold at most."""
    found = templates(out)
    kinds = {name: Counter(r["Type"] for r in resources.values()) for name, (_, resources) in found.items()}
    return {
        "stacks": len(found),
        "resources": sum(sum(counts.values()) for counts in kinds.values()),
        "resources of the largest stack": max(sum(counts.values()) for counts in kinds.values()),
        "bytes of the largest template": max(size for size, _ in found.values()),
        "roles of the fullest account": max(counts["AWS::IAM::Role"] for counts in kinds.values()),
        "managed policies of the fullest account": max(counts["AWS::IAM::ManagedPolicy"] for counts in kinds.values()),
        "policies of the fullest role": max(
            len(r["Properties"].get("ManagedPolicyArns", []))
            for _, resources in found.values()
            for r in resources.values()
            if r["Type"] == "AWS::IAM::Role"
        ),
    }


def seconds(out: Path, *, enforce: bool) -> float:
    """Synthesize in a fresh process and return its seconds, the interpreter's and Node's start included."""
    command = [sys.executable, "-m", "benchmarks.landing_zone", str(out), *(["enforce"] if enforce else [])]
    started = time.perf_counter()
    env = {**os.environ, "CDK_VALIDATION": "false"}
    subprocess.run(command, check=True, cwd=ROOT, env=env, timeout=_TIMEOUT)
    return time.perf_counter() - started


def measure() -> tuple[str, list[str]]:
    """Measure; return the report as Markdown, and what was missed."""
    with tempfile.TemporaryDirectory() as folder:
        plain = seconds(Path(folder) / "plain", enforce=False)
        proved = seconds(Path(folder) / "proved", enforce=True)
        found = figures(Path(folder) / "plain")
    rows = "\n".join(f"| {name} | {value:,} |" for name, value in found.items())
    report = f"""\
{OUS} OUs, {ACCOUNTS} accounts, {AGENTS} agents in two accounts each, seconds of the whole process:

| | |
|---|---:|
| seconds of a synthesis, without rule packs and with `CDK_VALIDATION=false` | {plain:.1f} |
| seconds with the six rule packs, the Guard rules and the proof; the limit is {LIMIT:.0f} | {proved:.1f} |
{rows}"""
    missed = [
        what
        for what, is_missed in (
            (f"a landing zone takes {proved:.0f} s", proved > LIMIT),
            ("a stack has more than 500 resources", found["resources of the largest stack"] > _RESOURCES),
        )
        if is_missed
    ]
    return report, missed


def main(arguments: list[str]) -> int:
    """Measure, or be what is measured."""
    if not arguments:
        report, missed = measure()
        print(report)
        return int(bool(missed))
    use_node()
    import aws_cdk as cdk  # noqa: PLC0415 - starts Node, which has to be found first

    out, *rest = arguments
    app = cdk.App(outdir=out, analytics_reporting=False)
    build(app)
    if rest:
        from sudo_mcp_guardrails import Guardrails  # noqa: PLC0415 - is measured

        Guardrails.of(app).enforce()
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
