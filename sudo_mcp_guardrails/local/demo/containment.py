"""The demo's part "containment": the kill switch stops a live session between two calls; the restore gives it back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS, REGION
from sudo_mcp_guardrails.policies.containment.names import boundary_name, containment_path, deny_name, table_name
from sudo_mcp_guardrails.policies.containment.roles import deny_boundary, deny_policy
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.response.drill import drill
from sudo_mcp_guardrails.response.estate import Estate
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.plan import Cause, plan_containment
from sudo_mcp_guardrails.response.records import DirectoryRecords
from sudo_mcp_guardrails.state.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sudo_mcp_guardrails.local.demo.sessions import Sessions
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

NAMES: Final = GuardrailNames()
AGENT: Final = "release-bot"
OTHER: Final = "data-bot"
LEVEL: Final = Level.K2
_RESPONDER: Final = f"arn:aws:iam::{ACCOUNT}:role/security/soc"


@dataclass
class ContainmentResult:
    """What came of it.

    Args:
        before: Whether the session's call succeeded before.
        after: What the same session was answered after; empty where it still succeeded.
        other: Whether the other agent went on meanwhile.
        restored: Whether the call succeeded again.
        complete: Whether every step of the containment and of the restore was carried out, and all is as it was.
        seconds: How long containing took.
    """

    before: bool
    after: str
    other: bool
    restored: bool
    complete: bool
    seconds: float

    @property
    def problems(self) -> list[str]:
        """What is not as it must be."""
        found = {
            "the session made no call before it was contained": self.before,
            "a contained session made a call": bool(self.after),
            "an agent that was not contained made no call": self.other,
            "the restored session made no call": self.restored,
            "not everything was contained, or is as it was": self.complete,
        }
        return [problem for problem, fine in found.items() if not fine]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``demo --json`` prints under ``containment``."""
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "level": LEVEL.value,
            "agent": AGENT,
            "after": self.after,
            "seconds": round(self.seconds, 2),
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield f"The kill switch, shown by the embedded AWS: {AGENT} contained at {LEVEL.value} in {self.seconds:.1f} s"
        yield (
            f"one session of it: allowed before, {self.after or 'allowed'} after, "
            f"{'allowed' if self.restored else 'refused'} again once restored; {OTHER} went on meanwhile"
        )
        for problem in self.problems:
            yield f"PROBLEM: {problem}"


def contain(aws: EmbeddedAws, sessions: Sessions, folder: Path) -> ContainmentResult:
    """Contain an agent while a session of it is live, and restore it.

    Args:
        aws: The embedded AWS.
        sessions: Of the demo's agents.
        folder: Where the restore record goes.
    """
    _prepare(aws)
    own, other = (_call(aws, sessions, agent) for agent in (AGENT, OTHER))
    cause = Cause(_RESPONDER, "the demo's drill", "DEMO-1", int(time.time()))
    plan = plan_containment(Estate(agents=AGENTS, account=ACCOUNT, region=REGION), Target.agent(AGENT), LEVEL, cause)
    before = not own()
    seen: dict[str, str] = {}
    started = time.monotonic()

    def probe() -> int:
        seen["seconds"] = str(time.monotonic() - started)
        seen["own"], seen["other"] = own(), other()
        return int(not seen["own"])

    came = drill(plan, _Clients(aws), DirectoryRecords(folder), NAMES, probe)
    return ContainmentResult(
        before=before,
        after=seen.get("own", ""),
        other=not seen.get("other", "not tried"),
        restored=not own(),
        complete=came.passed,
        seconds=float(seen.get("seconds", 0)),
    )


@dataclass
class _Clients:
    """The responder's: the account's own administrators."""

    aws: EmbeddedAws

    def client(self, service: str, account: str, region: str) -> Any:  # noqa: ANN401 - boto3 has no types
        return self.aws.client(service, account=account, region=region or REGION)


def _prepare(aws: EmbeddedAws) -> None:
    """Make what a kill switch has in an account: two policies, and the table of its state."""
    iam = aws.client("iam", account=ACCOUNT)
    for name, document in ((deny_name(NAMES), deny_policy()), (boundary_name(NAMES), deny_boundary())):
        iam.create_policy(PolicyName=name, Path=containment_path(NAMES), PolicyDocument=document.to_json())
    keys = {"switch": "HASH", "target": "RANGE"}
    aws.client("dynamodb", account=ACCOUNT).create_table(
        TableName=table_name(NAMES),
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )


def _call(aws: EmbeddedAws, sessions: Sessions, agent: str) -> Callable[[], str]:
    """Return a call of a live session that answers with the error's code; empty where it succeeded."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

    service, method = {AGENT: ("s3", "list_buckets"), OTHER: ("sqs", "list_queues")}[agent]
    made = getattr(aws.client(service, session=sessions.of(agent, "read")), method)

    def call() -> str:
        try:
            made()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    return call
