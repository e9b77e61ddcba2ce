"""What a scenario is, and the calls and settings that many share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.agents import Capability, TrustTier
from sudo_mcp_guardrails.approval.deciding.calendar import Calendar, Freeze
from sudo_mcp_guardrails.gateway.call import Verdict
from sudo_mcp_guardrails.gateway.deciding.settings import Prices
from sudo_mcp_guardrails.state.kill_switch import KillSwitch, Switch
from tests.gateway.deciding.making import LOOKS, REGION, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.call import ToolCall
    from sudo_mcp_guardrails.state.targets import Target

ALLOW, REDACT, ASK, DENY = Verdict
READ, PLAN, APPLY = Capability
HOUR = 3_600


@dataclass(frozen=True)
class Scenario:
    """One call.

    Attributes:
        id: Of the scenario.
        verdict: What is decided.
        reason: Id of the reason that decides; empty for none at all.
        call: The call.
        says: Something that a reason's text or rule must hold.
        given: Settings that differ from those of a read agent at T1 in a sandbox.
        session: Likewise.
        rules: Of the team.
        kill_switch: Reads it.
        before: Calls that are made first.
    """

    id: str
    verdict: Verdict
    reason: str
    call: ToolCall
    says: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)
    rules: str = ""
    kill_switch: Callable[[], KillSwitch] | None = None
    before: tuple[ToolCall, ...] = ()


def fails() -> KillSwitch:
    raise TimeoutError


def thrown(target: Target) -> Callable[[], KillSwitch]:
    return lambda: KillSwitch((Switch(target, "K2", "drill", "arn:aws:iam::1:role/soc", 1, "i-1"),))


class Stands:
    def __init__(self, answer: object) -> None:
        self._answer = answer

    def stands(self, *_: object) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


YES, NO = True, False
LOOK = LOOKS
ABROAD = {"code": LOOK["code"].replace(REGION, "us-west-1")}
PUT = script("dynamodb", "PutItem", TableName="bot-t", Item={"k": {"S": "1"}})
MAIL = {"to": "ada@example.com", "size": 1}
FREEZE = Calendar(freezes=(Freeze(0, 10_000, "quarter's end"),))
AS_PLAN: dict[str, Any] = {"given": {"capability": PLAN}, "session": {"capability": "plan"}}
AS_APPLY: dict[str, Any] = {"capability": APPLY}
APPLYING = {"capability": "apply"}
NOBODY = {**AS_APPLY, "tier": TrustTier.T2, "prices": Prices(others=0)}
ENDLESS = {
    "code": "t = await call_boto3(service_name='dynamodb', operation_name='ListTables', "
    f"region_name='{REGION}', params={{}})\n"
    f"for n in t['TableNames']:\n    {PUT['code']}"
}
LOOP = {
    "code": "for n in range(3):\n    r = await call_boto3(service_name='dynamodb', operation_name='PutItem', "
    f"region_name='{REGION}', params={{'TableName': 'bot-t', 'Item': {{'k': {{'S': '1'}}}}}})\n"
}
