"""What the rows around approvals are played with: sessions, proposals, and looks at what was recorded."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.demo.approvals.rows import AGENT, EXECUTION
from sudo_mcp_guardrails.local.demo.plays.rows import change_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.approvals.site import Site

ALLOW: Final = "allow"
DENY: Final = "deny"
_TRAIL_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Seen:
    """What came of a row.

    Attributes:
        said: ``allow`` or ``deny``; None where it could not be told, or where nothing was recorded of it.
        detail: what was answered.
        recorded: what was recorded, and where.
    """

    said: str | None
    detail: str
    recorded: str


def queue(name: str) -> str:
    """Return a template of one queue."""
    made = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
    return json.dumps({"Resources": {"Jobs": made}})


@dataclass
class Stage:
    """A deployed workflow, and what was proposed to it.

    Args:
        site: The deployed workflow.
        ids: Name of a proposal to its approval. Default: none yet.
    """

    site: Site
    ids: dict[str, str] = field(default_factory=dict)
    _sessions: dict[str, Any] = field(default_factory=dict)

    def _denied(self, session: Any, call: Callable[[], object], event: str) -> Seen:  # noqa: ANN401 - no types
        """Return that IAM refuses a call, where CloudTrail has it too."""
        error = error_of(call)
        if not error:
            return Seen(ALLOW, "", "")
        who = str(self.site.of("sts", session).get_caller_identity()["Arn"])
        recorded = self._in_trail(event, error, who)
        refused = error.startswith("AccessDenied") and recorded
        return Seen(DENY if refused else None, error, recorded)

    def _in_trail(self, event: str, error: str, who: str) -> str:
        """Return where CloudTrail recorded a call that ended with an error; empty where it did not."""
        started = time.monotonic()
        wanted = [{"AttributeKey": "EventName", "AttributeValue": event}]
        while time.monotonic() - started < _TRAIL_SECONDS:
            for each in self.site.of("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]:
                found = json.loads(each["CloudTrailEvent"])
                # CloudTrail says AccessDenied, whatever the service called it.
                code = found.get("errorCode") or "none"
                if error.startswith(code) and str(found["userIdentity"].get("arn", "")).endswith(who):
                    return f"CloudTrail: {event}, {code}, by {found['userIdentity']['arn']}"
            time.sleep(0.1)
        return ""

    def _propose(self, name: str, **proposal: Any) -> str:  # noqa: ANN401 - JSON
        self.ids[name] = self.site.proposed(self._session("plan"), {"environment": "sandbox", **proposal})
        return self.ids[name]

    def _change_set(self, stack: str, name: str) -> str:
        """Prepare a stack with a queue of a name as the agent does, and return the change set's ARN."""
        cloudformation = self.site.of("cloudformation", self._session("plan"))
        wish = change_set("demo", f"{AGENT}-{stack}", queue(name), EXECUTION)
        return str(cloudformation.create_change_set(**wish)["Id"])

    def _calls(self, operation: str, parameters: dict[str, Any], token: str) -> dict[str, Any]:
        call = {"service": "sqs", "operation": operation, "parameters": parameters}
        return {"form": "api-calls", "data": [call], "token": token}

    def _session(self, capability: str) -> Any:  # noqa: ANN401 - boto3 has no types
        if capability not in self._sessions:
            self._sessions[capability] = self.site.session(AGENT, capability)
        return self._sessions[capability]

    def _person(self, name: str) -> Any:  # noqa: ANN401 - of the provider
        return self.site.provider.people[name]

    def _of_kind(self, approval: str, kind: str) -> list[Any]:
        return [record for record in self.site.records(approval) if record.kind == kind]

    def _queues(self) -> set[str]:
        found = self.site.of("sqs").list_queues(QueueNamePrefix=AGENT).get("QueueUrls", [])
        return {str(url).rpartition("/")[2] for url in found}


def error_of(call: Callable[[], object]) -> str:
    """Return the code of the error that a call ends with; empty for none."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""
