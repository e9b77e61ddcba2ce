"""What sends agents' calls to the log pipeline within seconds: of its own account, and of member accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_events as events
from constructs import Construct

from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_queue import rule_to, sender_conditions
from sudo_mcp_guardrails.constructs.rendering import cloudformation
from sudo_mcp_guardrails.constructs.statements import placed
from sudo_mcp_guardrails.policies.agent_events import agent_calls, tampering
from sudo_mcp_guardrails.policies.agent_forwarding import accept_members, bus_arn, bus_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

ALL_MANAGEMENT_EVENTS: Final = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
"""State of a rule that also sees read-only calls (EventBridge user guide, "Receiving read-only management events")."""
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}", re.ASCII)
_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)


@dataclass(frozen=True)
class EventMembers:
    """The accounts whose calls a pipeline takes within seconds, each by an :class:`AgentEventForwarding` there.

    Args:
        organization_id: All accounts of this organization. Default: none.
        accounts: These accounts, by their ids. Default: none.

    Raises:
        PipelineError: For neither, text in the place of a list, and ids of another form.
    """

    organization_id: str = ""
    accounts: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Validate."""
        object.__setattr__(self, "accounts", _accounts(self.accounts))
        if not self.organization_id and not self.accounts:
            raise PipelineError("members without any are not allowed, expected an organization_id or accounts")
        if self.organization_id and not _ORGANIZATION.fullmatch(self.organization_id):
            raise PipelineError(f"organization_id {self.organization_id!r} is not allowed, expected o- and an id")


def _accounts(value: object) -> tuple[str, ...]:
    """Return account ids; text is a sequence of letters, and never meant as one."""
    if not isinstance(value, list | tuple):
        raise PipelineError(f"accounts {value!r} of members are not allowed, expected a list of ids")
    for account in value:
        if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
            raise PipelineError(f"account {account!r} of members is not allowed, expected 12 digits as text")
    return tuple(value)


def tell_of_calls(
    scope: Construct,
    queue: NotificationQueue,
    *,
    names: GuardrailNames,
    bus: str | None = None,
    sender: str = "Calls",
) -> None:
    """Let the queue have agents' calls, and what tampers with the trail, within seconds.

    A rule sees the calls of its own account and Region, and what other accounts' rules send to its bus. CloudTrail
    sends to EventBridge as well as it can, and nothing of over 256 KB; the files are what is complete.

    Args:
        scope: Where the rules are made.
        queue: The queue.
        names: Where the agents' roles live.
        bus: Name of the bus where the rules are. Default: the account's default bus.
        sender: Who sends, in a word: the end of the Sid.
    """
    calls = rule_to(
        scope,
        "AgentCalls",
        "Sends what agents call to the audit pipeline, within seconds",
        agent_calls(names),
        queue,
        bus_name=bus,
        state=ALL_MANAGEMENT_EVENTS,
    )
    attempts = rule_to(
        scope,
        "Tampering",
        "Sends what tampers with the trail to the audit pipeline, within seconds",
        tampering(),
        queue,
        bus_name=bus,
    )
    arns = [calls.attr_arn, attempts.attr_arn]
    queue.allow(sender, "events.amazonaws.com", sender_conditions(arns), undelivered=True)


class MemberBus(Construct):
    """The bus that member accounts send to, and the rules that take agents' calls from it. Costs nothing at rest.

    Events of AWS services are encrypted with a key of AWS's own on every bus, so that the bus has none of ours.

    Args:
        scope: The scope.
        id: The construct's id.
        queue: Where the calls go.
        members: Who may send.
        names: Names of the guardrails' own resources: the bus is called by them, so that members know it before it is
            there; one of a name in an account and Region.
    """

    def __init__(
        self, scope: Construct, id: str, *, queue: NotificationQueue, members: EventMembers, names: GuardrailNames
    ) -> None:
        super().__init__(scope, id)
        self.arn: str = placed(self, bus_arn(names))
        """ARN of the bus, for the members' stacks."""
        bus = events.CfnEventBus(
            self,
            "Resource",
            name=bus_name(names),
            description="Agents' calls in member accounts, for the audit pipeline",
        )
        for statement in accept_members(names, organization_id=members.organization_id, accounts=members.accounts):
            events.CfnEventBusPolicy(
                self,
                statement.sid,
                event_bus_name=bus.ref,
                statement_id=statement.sid,
                statement=cloudformation(statement.to_dict()),
            )
        tell_of_calls(self, queue, names=names, bus=bus.ref, sender="MemberCalls")
