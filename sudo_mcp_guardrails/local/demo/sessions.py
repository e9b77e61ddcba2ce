"""The sessions that the demo's actors hold: STS credentials, minted as in a real account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS, APPROVAL_ROLE, HOST_ROLE, REGION
from sudo_mcp_guardrails.local.demo.plays.rows import role_arn
from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.function_urls import call_function_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

APPLY_RUNS: Final = {agent.name: f"run-01JDEMAPPR0VED{number:012d}" for number, agent in enumerate(AGENTS)}
"""Run of each agent's apply session: what the approval workflow would hand out."""
_OK: Final = 200


@dataclass
class Sessions:
    """Mints and keeps one session for each actor.

    Args:
        aws: The embedded AWS.
        broker_url: The broker's function URL, as the stack's output gives it.
    """

    aws: EmbeddedAws
    broker_url: str
    _kept: dict[tuple[str, str], Any] = field(default_factory=dict)

    def of(self, agent: str, capability: str) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return the boto3 session of an actor.

        Raises:
            GuardrailsError: Where the broker refuses a session that it must mint.
        """
        key = ("", capability) if capability in {"host", "approval"} else (agent, capability)
        if key not in self._kept:
            self._kept[key] = self._make(*key)
        return self._kept[key]

    def _make(self, agent: str, capability: str) -> Any:  # noqa: ANN401 - as above
        if capability in {"host", "approval"}:
            name = HOST_ROLE if capability == "host" else APPROVAL_ROLE
            # Root may not assume roles at AWS; here it stands for the account's own administrators.
            answer = self.aws.client("sts", account=ACCOUNT).assume_role(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="demo"
            )
            return clients.assumed(answer["Credentials"], REGION)
        if capability == "apply":
            tags = {
                "agent": agent,
                "run": APPLY_RUNS[agent],
                "ticket": "OPS-1",
                "capability": "apply",
                "plan-digest": "sha256-demo",
                "caller": "demo",
            }
            answer = self.aws.client("sts", session=self.of(agent, "approval")).assume_role(
                RoleArn=role_arn(agent, "apply"),
                RoleSessionName=APPLY_RUNS[agent],
                SourceIdentity=APPLY_RUNS[agent],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )
            return clients.assumed(answer["Credentials"], REGION)
        wish = {"agent": agent, "capability": capability, "ticket": "OPS-1"}
        status, body = self.ask_broker(self.of(agent, "host"), wish)
        if status != _OK:
            raise GuardrailsError(f"the broker refused a {capability} session of {agent!r}: {status} {body}")
        return clients.session(body["AccessKeyId"], body["SecretAccessKey"], body["SessionToken"], REGION)

    def ask_broker(self, session: Any, wish: Mapping[str, str]) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - as above
        """Send one signed request to the broker, and return the status and the body."""
        return call_function_url(self.aws.endpoint_url, self.broker_url, session, wish, region=REGION)
