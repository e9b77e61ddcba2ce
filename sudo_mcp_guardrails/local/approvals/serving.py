"""The approval workflow for somebody to try: deployed to an embedded AWS of its own, with people and sample approvals.

All of it is on loopback, and gone when it ends. What is deployed is :mod:`~sudo_mcp_guardrails.local.approvals.app`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.approvals.people import AUDIENCE, STACK, people
from sudo_mcp_guardrails.local.approvals.site import Site
from sudo_mcp_guardrails.local.demo.deployment import Cdk, DeploymentError
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.oidc.people import Client
from sudo_mcp_guardrails.local.oidc.provider import OidcProvider
from sudo_mcp_guardrails.toolchain.cdk_cli import ensure_cdk_cli
from sudo_mcp_guardrails.toolchain.environments import ensure_environment
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from sudo_mcp_guardrails.local.oidc.people import Person

# What `local.approvals.app` deploys to; importing it would start jsii's Node.js here, before ours is found.
ACCOUNT: Final = "111111111111"
REGION: Final = "us-east-1"
AGENT: Final = "release-bot"
_SECONDS: Final = 300
_QUEUE: Final = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{AGENT}-jobs"
_SAMPLES: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("CreateQueue", "OPS-1", {"QueueName": f"{AGENT}-jobs", "tags": {"team": "platform"}}),
    ("SetQueueAttributes", "OPS-2", {"QueueUrl": _QUEUE, "Attributes": {"VisibilityTimeout": "120"}}),
    ("PurgeQueue", "OPS-3", {"QueueUrl": _QUEUE}),
)
"""What the agent proposes, for which ticket. The first one is carried out, so that one can look back at it."""


@dataclass
class Serving:
    """The workflow, while it is there to be tried.

    Args:
        redirect: where a sign-in of the command line leads back to.
        report: told a line about each step.
        port: loopback port of the embedded AWS, and so of the page. Default: a free one.
        provider: the made-up people's identity provider.
    """

    redirect: str
    report: Callable[[str], None]
    port: int | None = None
    provider: OidcProvider = field(default_factory=lambda: OidcProvider(people()))
    approvals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare what is started."""
        self._aws = EmbeddedAws(port=self.port, report=self.report)
        self._build = tempfile.TemporaryDirectory(prefix="mcp-guardrails-approvals-")
        self._site: Site | None = None

    def __enter__(self) -> Self:
        """Start it; whatever happens, nothing is left running.

        Raises:
            GuardrailsError: For whatever keeps it from running.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def url(self) -> str:
        """Address of the page."""
        return self.site.page.redirect

    @property
    def site(self) -> Site:
        """The workflow; raises DeploymentError where it is not deployed."""
        if self._site is None:
            raise DeploymentError("the approval workflow is not deployed yet")
        return self._site

    @property
    def people(self) -> tuple[Person, ...]:
        """Who can sign in."""
        return tuple(self.provider.people.values())

    def check_alive(self) -> None:
        """Raise EmbeddedAwsError where the embedded AWS has ended by itself."""
        self._aws.check_alive()

    def stop(self) -> None:
        """End what was started."""
        try:
            self.provider.stop()
            self._aws.stop()
        finally:
            self._build.cleanup()

    def _start(self) -> None:
        build = Path(self._build.name).resolve()
        use_node(self.report)
        cdk = Cdk(ensure_cdk_cli(self.report), build / "app.py", build / "cdk.out")
        ensure_environment(MINISTACK, report=self.report)
        self.provider.start()
        self.report("synthesizing the approval workflow")
        _synthesize(build / "cdk.out", self.provider.issuer)
        self.report("starting the embedded AWS")
        self._aws.start()
        self.report("deploying the approval workflow")
        cdk.bootstrap(self._aws)
        outputs = cdk.deploy(self._aws, {})[STACK]
        self._site = site = Site(self._aws, outputs, self.provider, ACCOUNT, REGION)
        site.set_up()
        self.provider.register(Client(AUDIENCE, (*site.page.redirects, self.redirect)))
        self.report("proposing some plans")
        self._propose()

    def _propose(self) -> None:
        site = self.site
        for operation, ticket, parameters in _SAMPLES:
            session = site.session(AGENT, "plan", ticket)
            call = {"service": "sqs", "operation": operation, "region": REGION, "parameters": parameters}
            proposal = {"environment": "sandbox", "form": "api-calls", "data": [call]}
            self.approvals.append(site.proposed(session, proposal))
        alice = self.provider.people["alice"]
        answer = site.page.decide(alice, self.approvals[0], comment="as agreed in OPS-1")
        self.report(f"alice decides about {self.approvals[0]}: {answer.text}")


def _synthesize(output: Path, issuer: str) -> None:
    """Run the app as the CDK CLI does: it says where to write, and the context, in two variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "sudo_mcp_guardrails.local.approvals.app"],
        env={**kept, "CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": json.dumps({"issuer": issuer})},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise DeploymentError(f"the approval workflow cannot be synthesized: {done.stderr.strip()[-500:]}")
