"""Names of the workflow's resources. They are set, so that policies of agents, and SCPs, can name what they deny."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.approval.errors import ApprovalError
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_LONGEST_BUCKET: Final = 63
_LONGEST_REGION: Final = 14
_ACCOUNT_DIGITS: Final = 12


class WorkflowError(ApprovalError):
    """The workflow cannot be made from what was given; the message says what is allowed."""


@dataclass(frozen=True)
class WorkflowNames:
    """Names by the guardrails' prefix.

    Args:
        names: Of the guardrails' own resources.

    Raises:
        WorkflowError: For a prefix that leaves no room in a bucket's name.
    """

    names: GuardrailNames

    def __post_init__(self) -> None:
        """Validate."""
        room = _LONGEST_BUCKET - len("-approval-evidence--") - _ACCOUNT_DIGITS - _LONGEST_REGION
        if len(self.names.prefix) > room:
            raise WorkflowError(
                f"name prefix {self.names.prefix!r} of an approval workflow is not allowed, expected {room} characters "
                "at most, since its bucket is named by it"
            )

    @property
    def machine(self) -> str:
        """Name of the state machine."""
        return f"{self.names.prefix}-approval"

    @property
    def machine_arn(self) -> str:
        """ARN of the state machine, with pseudo parameters."""
        return f"arn:{PARTITION}:states:{REGION}:{ACCOUNT}:stateMachine:{self.machine}"

    @property
    def runs(self) -> str:
        """Name of the table of runs."""
        return f"{self.names.prefix}-runs"

    @property
    def bucket(self) -> str:
        """Name of the evidence bucket, with the CDK's tokens."""
        return f"{self.of('evidence')}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"

    @property
    def path(self) -> str:
        """IAM path of the workflow's roles and policies; agents' roles are elsewhere."""
        return f"/{self.names.prefix}/"

    def of(self, what: str) -> str:
        """Return the name of a table, function, role, queue or bus."""
        return f"{self.machine}-{what}"

    def role_arn(self, function: str) -> str:
        """Return the ARN of a function's role, with pseudo parameters."""
        return f"arn:{PARTITION}:iam::{ACCOUNT}:role{self.path}{self.of(function)}"

    def apply_roles(self) -> str:
        """Return the ARN pattern of the apply roles of all agents, with pseudo parameters."""
        return f"arn:{PARTITION}:iam::*:role{self.names.agents_path}*-apply"
