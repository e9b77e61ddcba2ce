"""Runbooks for the SOC, as documents of Systems Manager Automation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from sudo_mcp_guardrails.constructs.response.names import KillSwitchError
from sudo_mcp_guardrails.response.runbooks import MAX_APPROVERS, contain_document, restore_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch


class ContainmentDocuments(Construct):
    """Two runbooks: one contains, one restores after somebody approved it. They cost nothing at rest.

    Both start the state machine, so that the evidence is the same whichever way was taken. Whoever runs one needs
    ``ssm:StartAutomationExecution`` on it and ``iam:PassRole`` on the role that it assumes; who approves needs
    ``ssm:SendAutomationSignal``. The record names the role, and CloudTrail who started the automation. What takes two
    people (``KillSwitch(two_people_from=…)``) no runbook restores: two people ask the kill switch themselves. For
    principals that are not agents the SOC takes AWS's own
    :data:`~sudo_mcp_guardrails.response.runbooks.AWS_RUNBOOK`.

    Args:
        scope: The scope.
        id: The construct's id.
        switch: The kill switch.
        assume_role: ARN of the role that the automation acts as. It trusts ``ssm.amazonaws.com`` and may do
            :data:`~sudo_mcp_guardrails.response.runbooks.ROLE_ACTIONS` on the machine and its executions.
        approvers: ARNs of IAM principals who approve a restoration, 1 to 10. The automation's starter is not
            kept from being one of them by Systems Manager: name people who do not run it.

    Raises:
        KillSwitchError: Nobody approves, or more than ten.
    """

    def __init__(
        self, scope: Construct, id: str, *, switch: KillSwitch, assume_role: str, approvers: Sequence[str]
    ) -> None:
        super().__init__(scope, id)
        if not approvers:
            raise KillSwitchError("nobody approves restorations, allowed: ARNs of at least one principal")
        if len(approvers) > MAX_APPROVERS:
            raise KillSwitchError(f"{len(approvers)} approve restorations, allowed are {MAX_APPROVERS}")
        prefix, machine = switch.names.prefix, switch.machine.attr_arn
        self.contain: ssm.CfnDocument = self._made(
            "Contain", f"{prefix}-contain-agents", contain_document(machine, assume_role)
        )
        """Contains."""
        self.restore: ssm.CfnDocument = self._made(
            "Restore", f"{prefix}-restore-agents", restore_document(machine, assume_role, approvers)
        )
        """Restores."""

    def _made(self, id_: str, name: str, content: dict[str, Any]) -> ssm.CfnDocument:
        return ssm.CfnDocument(
            self,
            id_,
            name=name,
            document_type="Automation",
            document_format="JSON",
            update_method="NewVersion",
            content=content,
        )
