"""The demo from beginning to end, step by step."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.local.demo import evaluator_witness, fixtures
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT
from sudo_mcp_guardrails.local.demo.deployment import STACK, Cdk, DeploymentError
from sudo_mcp_guardrails.local.demo.embedded_witness import EmbeddedWitness
from sudo_mcp_guardrails.local.demo.play import Outcome
from sudo_mcp_guardrails.local.demo.plays import PLAYS
from sudo_mcp_guardrails.local.demo.sessions import Sessions
from sudo_mcp_guardrails.local.demo.trail import part
from sudo_mcp_guardrails.local.demo.trail.target import Targets
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.embedded.organization import Organization
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.toolchain.cdk_cli import ensure_cdk_cli
from sudo_mcp_guardrails.toolchain.environments import ensure_environment
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sudo_mcp_guardrails.local.demo.deployment import PackResult
    from sudo_mcp_guardrails.local.demo.trail.result import TrailResult


@dataclass
class DemoResult:
    """What came of a demo.

    Args:
        outcomes: One for each play, in order.
        steps: (name, seconds) of each step, in order.
        packs: What the rule packs said.
        trail: What came of the audit trail; None where the app has no such stack.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    steps: list[tuple[str, float]] = field(default_factory=list)
    packs: PackResult | None = None
    trail: TrailResult | None = None

    @property
    def surprises(self) -> list[Outcome]:
        """Plays in which a witness said something else than expected, or could not tell."""
        return [outcome for outcome in self.outcomes if not outcome.agreed]

    @property
    def seconds(self) -> float:
        """How long it all took."""
        return sum(seconds for _, seconds in self.steps)


@dataclass
class Demo:
    """The demo.

    Args:
        app: Path of the CDK app to synthesize.
        build: Folder for the cloud assembly.
        step: Told the name of each step when it begins.
        report: Told lines about long work.
        played: Told each outcome as it comes.
        port: Loopback port for the embedded AWS. Default: a free one.
    """

    app: Path
    build: Path
    step: Callable[[str], None]
    report: Callable[[str], None]
    played: Callable[[Outcome], None]
    port: int | None = None
    result: DemoResult = field(default_factory=DemoResult)

    def run(self) -> DemoResult:
        """Run it; whatever happens, nothing is left running.

        Raises:
            GuardrailsError: For anything that keeps the demo from being played.
        """
        if not self.app.is_file():
            raise DeploymentError(f"app {self.app.name!r} is not there, expected the path of a CDK app in Python")
        targets = Targets(self.report)
        aws = EmbeddedAws(port=self.port, report=self.report)
        try:
            with self._timed("tools"):
                use_node(self.report)
                cdk = Cdk(ensure_cdk_cli(self.report), self.app.resolve(), (self.build / "cdk.out").resolve())
                ensure_environment(MINISTACK, report=self.report)
            with self._timed("synthesize, six rule packs"):
                self._synthesize(cdk)
            trail = cdk.has(part.STACK)
            if trail:
                targets.begin()
            with self._timed("start the embedded AWS, self-test"):
                aws.start()
            with self._timed("organization with an SCP"):
                self._organize(aws)
            with self._timed("cdk bootstrap"):
                cdk.bootstrap(aws)
            with self._timed("cdk deploy"):
                parameters = part.parameters(targets.wait()) if trail else {}
                outputs = cdk.deploy(aws, parameters)
            with self._timed("fixtures"):
                fixtures.make(aws)
            looking = part.TrailPart(aws, outputs[part.STACK], targets.wait()) if trail else None
            if looking is not None:
                with self._timed("set the audit pipeline up"):
                    looking.set_up()
            with self._timed(f"play {len(PLAYS)} scenarios"):
                self._play(aws, outputs[STACK]["BrokerUrl"])
            if looking is not None:
                with self._timed("trail"):
                    self.result.trail = looking.look()
        finally:
            try:
                aws.stop()
            finally:
                targets.close()
        return self.result

    def _synthesize(self, cdk: Cdk) -> None:
        self.result.packs = cdk.synthesize()
        if self.result.packs.unreasoned:
            raise DeploymentError(f"{self.result.packs.unreasoned} findings are accepted without a reason")

    def _organize(self, aws: EmbeddedAws) -> None:
        organization = Organization.create(aws.endpoint_url, aws.management_account)
        unit = organization.add_unit("agents")
        organization.add_account(ACCOUNT, unit)
        for policy in agent_scps():
            organization.attach_scp(policy.name, policy.resolve(evaluator_witness.VALUES).to_dict(), unit)

    def _play(self, aws: EmbeddedAws, broker_url: str) -> None:
        witness = EmbeddedWitness(Sessions(aws, broker_url))
        for play in PLAYS:
            aws.check_alive()
            embedded, detail = witness.decide(play)
            evaluator, why = evaluator_witness.decide(play)
            outcome = Outcome(play, embedded, evaluator, why, detail)
            self.result.outcomes.append(outcome)
            self.played(outcome)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self.step(name)
        started = time.monotonic()
        yield
        self.result.steps.append((name, time.monotonic() - started))
