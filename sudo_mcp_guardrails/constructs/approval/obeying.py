"""How an approval workflow obeys the kill switch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs.approval.names import WorkflowError
from sudo_mcp_guardrails.constructs.response.withdrawing import WithdrawalByResponder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames
    from sudo_mcp_guardrails.constructs.approval.statements import WorkflowResources
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch


def check_switch(switch: KillSwitch | None, names: WorkflowNames) -> None:
    """Raise WorkflowError for the kill switch of other guardrails, whose contained agents are others."""
    if switch is not None and switch.names != names.names:
        raise WorkflowError(
            f"kill_switch of names {switch.names.prefix!r} is not allowed, expected {names.names.prefix!r}"
        )


def obeying(
    scope: Construct,
    switch: KillSwitch | None,
    resources: WorkflowResources,
    names: WorkflowNames,
    terraform: Sequence[str],
) -> WorkflowResources:
    """Let the kill switch withdraw what contained agents asked for, and tell it whose builds it stops.

    Args:
        scope: The workflow.
        switch: The kill switch; None for none.
        resources: Of the workflow.
        names: Of the workflow.
        terraform: Names of the agents whose plans of Terraform a project applies.

    Returns:
        The resources, with the key that signs withdrawals; the same ones where there is no kill switch.
    """
    if switch is None:
        return resources
    signed = replace(resources, responder_key=switch.stores.signing_key.attr_arn)
    WithdrawalByResponder(scope, "Withdrawal", switch=switch, resources=signed, names=names, terraform=terraform)
    return signed
