"""The demo from beginning to end, step by step."""

from __future__ import annotations

import importlib.util
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.local.approvals import people
from sudo_mcp_guardrails.local.demo import evaluator_witness, fixtures
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT
from sudo_mcp_guardrails.local.demo.approvals.part import ApprovalPart
from sudo_mcp_guardrails.local.demo.approvals.rows import PLAYS as APPROVAL_PLAYS
from sudo_mcp_guardrails.local.demo.containment import contain
from sudo_mcp_guardrails.local.demo.deployment import STACK, Cdk, DeploymentError
from sudo_mcp_guardrails.local.demo.embedded_witness import EmbeddedWitness
from sudo_mcp_guardrails.local.demo.gateway import part as gateway
from sudo_mcp_guardrails.local.demo.play import Outcome
from sudo_mcp_guardrails.local.demo.plays import PLAYS
from sudo_mcp_guardrails.local.demo.sessions import Sessions
from sudo_mcp_guardrails.local.demo.trail import part
from sudo_mcp_guardrails.local.demo.trail.target import Targets
from sudo_mcp_guardrails.local.demo.watching import watch
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.embedded.organization import Organization
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.toolchain.cdk_cli import ensure_cdk_cli
from sudo_mcp_guardrails.toolchain.environments import ensure_environment
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sudo_mcp_guardrails.local.demo.approvals.result import ApprovalsResult
    from sudo_mcp_guardrails.local.demo.containment import ContainmentResult
    from sudo_mcp_guardrails.local.demo.deployment import PackResult
    from sudo_mcp_guardrails.local.demo.gateway.result import GatewayResult
    from sudo_mcp_guardrails.local.demo.trail.result import TrailResult
    from sudo_mcp_guardrails.local.demo.watching import WatchResult
    from sudo_mcp_guardrails.local.oidc.provider import OidcProvider

_WAIT_SCALE: Final = 0.1
"""What part of their time Wait states of Step Functions wait: the workflow looks every five seconds after a change."""


@dataclass
class DemoResult:
    """What came of a demo.

    Args:
        outcomes: One for each play, in order.
        steps: (name, seconds) of each step, in order.
        packs: What the rule packs said.
        trail: What came of the audit trail; None where the app has no such stack.
        approvals: What came of the approval workflow; None likewise.
        watching: What the detections found; None where the app has no stack of the trail.
        containment: What came of the kill switch.
        gateway: What came of the calls through the guard; None where its packages are not installed.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    steps: list[tuple[str, float]] = field(default_factory=list)
    packs: PackResult | None = None
    trail: TrailResult | None = None
    approvals: ApprovalsResult | None = None
    watching: WatchResult | None = None
    containment: ContainmentResult | None = None
    gateway: GatewayResult | None = None

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
        aws = EmbeddedAws(port=self.port, report=self.report, wait_scale=_WAIT_SCALE)
        provider = _provider(self.report)
        try:
            # Within, so that what runs beside has ended before anything is stopped.
            with ThreadPoolExecutor(1) as beside:
                self._run(aws, targets, provider, beside)
        finally:
            try:
                if provider is not None:
                    provider.stop()
                aws.stop()
            finally:
                targets.close()
        return self.result

    def _run(
        self, aws: EmbeddedAws, targets: Targets, provider: OidcProvider | None, beside: ThreadPoolExecutor
    ) -> None:
        with self._timed("tools"):
            use_node(self.report)
            cdk = Cdk(ensure_cdk_cli(self.report), self.app.resolve(), (self.build / "cdk.out").resolve())
            ensure_environment(MINISTACK, report=self.report)
        started = beside.submit(self._begin, aws)
        with self._timed("synthesize, six rule packs, while the embedded AWS starts"):
            self._synthesize(cdk, {"trail": "true", **({"issuer": provider.issuer} if provider is not None else {})})
        trail = cdk.has(part.STACK)
        if trail:
            targets.begin()
        with self._timed("embedded AWS: self-test, organization with an SCP"):
            started.result()
        with self._timed("cdk bootstrap"):
            cdk.bootstrap(aws)
        with self._timed("cdk deploy"):
            outputs = cdk.deploy(aws, part.parameters(targets.wait()) if trail else {})
        approvals = None
        if provider is not None and cdk.has(people.STACK):
            approvals = ApprovalPart(aws, outputs[people.STACK], provider, cdk.output)
            self.report(f"the approval page, while this runs: {approvals.site.page.redirect}")
        # Functions take a second each to start; meanwhile there is other work.
        proposed = beside.submit(approvals.set_up) if approvals is not None else None
        with self._timed("fixtures"):
            fixtures.make(aws)
        looking = part.TrailPart(aws, outputs[part.STACK], targets.wait()) if trail else None
        if looking is not None:
            with self._timed("set the audit pipeline up"):
                looking.set_up()
        with self._timed(f"play {len(PLAYS)} scenarios"):
            self._play(aws, outputs[STACK]["BrokerUrl"])
        if approvals is not None and proposed is not None:
            with self._timed(f"approvals: play {len(APPROVAL_PLAYS)} scenarios"):
                proposed.result()
                self._approve(aws, approvals)
            with self._timed("approvals verify"):
                self.result.approvals = approvals.look()
        if looking is not None:
            with self._timed("trail"):
                self.result.trail = looking.look()
            with self._timed("watch what the agents did"):
                self.result.watching = watch(looking.events())
        sessions = Sessions(aws, outputs[STACK]["BrokerUrl"])
        missing = gateway.missing()
        if missing:
            self.report(f"no gateway: {missing[0]} is not installed (pip install 'sudo-mcp-guardrails[gateway]' mcp)")
        else:
            with self._timed("the gateway: a client, the guard, and servers behind it"):
                own = partial(sessions.of, gateway.AGENT)
                self.result.gateway = gateway.GatewayPart(aws, own, cdk.output, self.report).play()
        with self._timed("contain an agent, and restore it"):
            self.result.containment = contain(aws, sessions, self.build / "containment")

    def _begin(self, aws: EmbeddedAws) -> None:
        aws.start()
        self._organize(aws)

    def _synthesize(self, cdk: Cdk, context: Mapping[str, str]) -> None:
        self.result.packs = cdk.synthesize(context)
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

    def _approve(self, aws: EmbeddedAws, part: ApprovalPart) -> None:
        for play in APPROVAL_PLAYS:
            aws.check_alive()
            outcome = part.play(play)
            self.result.outcomes.append(outcome)
            self.played(outcome)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self.step(name)
        started = time.monotonic()
        yield
        self.result.steps.append((name, time.monotonic() - started))


def _provider(report: Callable[[str], None]) -> OidcProvider | None:
    """Start the identity provider; without the package that its key needs there is none, and no approvals."""
    if importlib.util.find_spec("cryptography") is None:
        report("no approvals: cryptography is not installed (pip install 'sudo-mcp-guardrails[approvals]')")
        return None
    from sudo_mcp_guardrails.local.oidc.provider import OidcProvider  # noqa: PLC0415 - needs what is looked for above

    return OidcProvider(people.people()).start()
