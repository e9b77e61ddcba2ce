"""Runbooks for the SOC, as documents of Systems Manager Automation: schema 0.3, of two kinds of steps.

Sources: Systems Manager user guide, "Data elements and parameters"; Systems Manager Automation runbook reference,
``aws:executeStateMachine`` (the inputs of ``StartExecution``; waits for the end) and ``aws:approve``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.response.requests import CONTAIN, RESTORE
from sudo_mcp_guardrails.response.workflow import MACHINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

AWS_RUNBOOK: Final = "AWSSupport-ContainIAMPrincipal"
"""AWS's own runbook, for users and roles that are not agents'; ours refuse those (Systems Manager Automation runbook
reference, "AWSSupport-ContainIAMPrincipal")."""
ROLE_ACTIONS: Final = ("states:DescribeExecution", "states:StartExecution", "states:StopExecution")
"""What the role that a runbook assumes may do, on the state machine and its executions."""
MAX_APPROVERS: Final = 10
APPROVAL_SECONDS: Final = 3_600
_TARGET: Final = r"^(agent:[a-z](-?[a-z0-9]){1,30}|class:[a-z](-?[a-z0-9]){0,28}-\*|all)$"
_INCIDENT: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:/=+@-]{0,127}$"
# Without quotes and backslashes, since it is put into JSON as it stands.
_REASON: Final = r'^[^"\\\x00-\x1f\x7f]{1,900}$'


def contain_document(machine: str, role: str) -> dict[str, Any]:
    """Return the runbook that contains.

    Args:
        machine: ARN of the state machine.
        role: ARN of the role that the automation acts as.
    """
    return _document(
        f"Contains agents. For users and roles that are not agents' run {AWS_RUNBOOK}.",
        role,
        {
            "Level": {
                "type": "String",
                "allowedValues": ["K1", "K2", "K3", "K4"],
                "default": "K2",
                "description": "K1 freezes, K2 stops one agent, K3 a class, K4 all",
            }
        },
        [_start(machine, CONTAIN, role, '"level":"{{ Level }}",')],
    )


def restore_document(machine: str, role: str, approvers: Sequence[str]) -> dict[str, Any]:
    """Return the runbook that restores after somebody approved it; not what takes two people.

    Args:
        machine: ARN of the state machine.
        role: ARN of the role that the automation acts as.
        approvers: ARNs of who approves, 1 to 10.
    """
    approve = {
        "name": "approve",
        "action": "aws:approve",
        "timeoutSeconds": APPROVAL_SECONDS,
        "onFailure": "Abort",
        "inputs": {
            "Message": "Restore {{ Target }} after incident {{ Incident }}: {{ Reason }}",
            "MinRequiredApprovals": 1,
            "Approvers": list(approvers),
        },
    }
    return _document(
        "Restores agents from the record of their containment, after somebody approved it.",
        role,
        {
            "Digest": {
                "type": "String",
                "allowedPattern": "^([0-9a-f]{64})?$",
                "default": "",
                "description": "Of the restore record, as the containment said it; empty for the newest",
            }
        },
        [approve, _start(machine, RESTORE, role, '"digest":"{{ Digest }}",')],
    )


def _document(description: str, role: str, more: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
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
            "Reason": {"type": "String", "allowedPattern": _REASON, "description": "Why, for people"},
            **more,
        },
        "mainSteps": steps,
    }


def _start(machine: str, op: str, role: str, more: str) -> dict[str, Any]:
    return {
        "name": op,
        "action": "aws:executeStateMachine",
        # As long as the machine itself may take; an hour, which is the default, ends before the longest grace.
        "timeoutSeconds": MACHINE_SECONDS,
        "onFailure": "Abort",
        "isEnd": True,
        "inputs": {
            "stateMachineArn": machine,
            "input": (
                f'{{"op":"{op}","target":"{{{{ Target }}}}",{more}"incident":"{{{{ Incident }}}}",'
                f'"reason":"{{{{ Reason }}}}","by":"{role}"}}'
            ),
        },
    }
