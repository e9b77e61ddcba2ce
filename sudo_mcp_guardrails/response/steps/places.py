"""The steps beside roles that can be undone: the switch's item, and the attachment of an SCP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.response.steps.pages import listed
from sudo_mcp_guardrails.response.steps.step import Call
from sudo_mcp_guardrails.state.kill_switch import SwitchError, read_item
from sudo_mcp_guardrails.state.targets import TargetError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.steps.step import State, Step


class SwitchWay:
    """Throws the switch. State: the item as DynamoDB has it; empty where there is none."""

    service = "dynamodb"
    restorable = True

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read the item."""
        answer = client.get_item(TableName=step.wanted["table"], Key=_key(step), ConsistentRead=True)
        return answer.get("Item") or {}

    def holds(self, step: Step, state: State) -> bool:
        """Return whether it is thrown at this level or a higher one; an item that is not understood is replaced."""
        switch = step.wanted["item"]["switch"]["S"]
        try:
            return bool(read_item(state, switch).level >= step.wanted["item"]["level"]["S"])
        except (SwitchError, TargetError):
            return False

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return the call that throws it."""
        del state
        return (Call("put_item", {"TableName": step.wanted["table"], "Item": step.wanted["item"]}),)

    def left(self, step: Step, prior: State) -> State:
        """Return the item."""
        del prior
        return step.wanted["item"]

    def undo(self, step: Step, prior: State) -> tuple[Call, ...]:
        """Return the call that puts the item from before back, or deletes this one."""
        table = step.wanted["table"]
        if prior:
            return (Call("put_item", {"TableName": table, "Item": prior}),)
        return (Call("delete_item", {"TableName": table, "Key": _key(step)}),)


def _key(step: Step) -> dict[str, Any]:
    return {name: step.wanted["item"][name] for name in ("switch", "target")}


class ScpWay:
    """Attaches an SCP. State: whether it is attached to this one target."""

    service = "organizations"
    restorable = True

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read where the SCP is attached."""
        found = listed(client.list_targets_for_policy, "Targets", PolicyId=step.wanted["policy"])
        return {"attached": step.wanted["target"] in {target["TargetId"] for target in found}}

    def holds(self, step: Step, state: State) -> bool:
        """Return whether it is attached."""
        del step
        return bool(state["attached"])

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return the call that attaches it."""
        del state
        return (Call("attach_policy", _attachment(step)),)

    def left(self, step: Step, prior: State) -> State:
        """Return that it is attached."""
        del step, prior
        return {"attached": True}

    def undo(self, step: Step, prior: State) -> tuple[Call, ...]:
        """Return the call that detaches it."""
        del prior
        return (Call("detach_policy", _attachment(step)),)


def _attachment(step: Step) -> dict[str, Any]:
    return {"PolicyId": step.wanted["policy"], "TargetId": step.wanted["target"]}
