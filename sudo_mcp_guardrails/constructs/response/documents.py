"""Runbooks for the SOC, as documents of Systems Manager Automation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from sudo_mcp_guardrails.constructs.response.names import KillSwitchError
from sudo_mcp_guardrails.response.requests import CONTAIN, RESTORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch

AWS_RUNBOOK: Final = "AWSSupport-ContainIAMPrincipal"
"""AWS's own runbook, for users and roles that are not agents'; ours refuse those (Systems Manager Automation runbook
reference, "AWSSupport-ContainIAMPrincipal")."""
_TARGET: Final = r"^(agent:[a-z](-?[a-z0-9]){1,30}|class:[a-z](-?[a-z0-9]){0,28}-\*|all)$"
_INCIDENT: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:/=+@-]{0,127}$"
_REASON: Final = r'^[^"\\\p{Cntrl}]{1,900}$'
_APPROVAL_SECONDS: Final = 3_600


class ContainmentDocuments(Construct):
    """Two runbooks: one contains, one restores after somebody approved it. They cost nothing at rest.

    Both start the state machine, so that the evidence is the same whichever way was taken. Whoever runs one needs
    ``ssm:StartAutomationExecution`` on it and ``iam:PassRole`` on the role that it assumes; who approves needs
    ``ssm:SendAutomationSignal``. The record names the role, and CloudTrail who started the automation. For principals
    that are not agents the SOC takes AWS's own :data:`AWS_RUNBOOK`.

    Args:
        scope: The scope.
        id: The construct's id.
        switch: The kill switch.
        assume_role: ARN of the role that the automation acts as; it may ``states:StartExecution`` on the machine.
        approvers: ARNs of IAM principals who approve a restoration; at least one. The automation's starter is not
            kept from being one of them by Systems Manager: name people who do not run it.

    Raises:
        KillSwitchError: Nobody approves.
    """

    def __init__(
        self, scope: Construct, id: str, *, switch: KillSwitch, assume_role: str, approvers: Sequence[str]
    ) -> None:
        super().__init__(scope, id)
        if not approvers:
            raise KillSwitchError("nobody approves restorations, allowed: ARNs of at least one principal")
        prefix, machine = switch.names.prefix, switch.machine.attr_arn
        self.contain: ssm.CfnDocument = ssm.CfnDocument(
            self,
            "Contain",
            name=f"{prefix}-contain-agents",
            document_type="Automation",
            document_format="JSON",
            update_method="NewVersion",
            content=_document(
                f"Contains agents. For users and roles that are not agents' run {AWS_RUNBOOK}.",
                assume_role,
                {"Level": {"type": "String", "allowedValues": ["K1", "K2", "K3", "K4"], "default": "K2"}},
                [_start(machine, CONTAIN, assume_role, '"level":"{{ Level }}",')],
            ),
        )
        """Contains."""
        approve = {
            "name": "approve",
            "action": "aws:approve",
            "timeoutSeconds": _APPROVAL_SECONDS,
            "onFailure": "Abort",
            "inputs": {
                "Message": "Restore {{ Target }} after incident {{ Incident }}: {{ Reason }}",
                "MinRequiredApprovals": 1,
                "Approvers": list(approvers),
            },
        }
        self.restore: ssm.CfnDocument = ssm.CfnDocument(
            self,
            "Restore",
            name=f"{prefix}-restore-agents",
            document_type="Automation",
            document_format="JSON",
            update_method="NewVersion",
            content=_document(
                "Restores agents from the record of their containment, after somebody approved it.",
                assume_role,
                {"Digest": {"type": "String", "allowedPattern": "^([0-9a-f]{64})?$", "default": ""}},
                [approve, _start(machine, RESTORE, assume_role, '"digest":"{{ Digest }}",')],
            ),
        )
        """Restores."""


def _document(description: str, role: str, more: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a document of schema 0.3 (Systems Manager user guide, "Data elements and parameters")."""
    return {
        "schemaVersion": "0.3",
        "description": description,
        "assumeRole": role,
        "parameters": {
            "Target": {
                "type": "String",
                "allowedPattern": _TARGET,
                "description": "agent:NAME, class:BEGINNING-* or all",
            },
            "Incident": {"type": "String", "allowedPattern": _INCIDENT, "description": "Id of the incident"},
            # Without quotes and backslashes, since it is put into JSON as it stands.
            "Reason": {"type": "String", "allowedPattern": _REASON, "description": "Why, for people"},
            **more,
        },
        "mainSteps": steps,
    }


def _start(machine: str, op: str, role: str, more: str) -> dict[str, Any]:
    return {
        "name": op,
        "action": "aws:executeStateMachine",
        "isEnd": True,
        "inputs": {
            "stateMachineArn": machine,
            "input": (
                f'{{"op":"{op}","target":"{{{{ Target }}}}",{more}"incident":"{{{{ Incident }}}}",'
                f'"reason":"{{{{ Reason }}}}","by":"{role}"}}'
            ),
        },
    }
