"""Names of the kill switch's resources. They are set, so that policies of agents, and SCPs, can name what they deny."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk

from sudo_mcp_guardrails.policies.containment.names import records_name
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION
from sudo_mcp_guardrails.response.errors import ResponseError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames


class KillSwitchError(ResponseError):
    """The kill switch cannot be made from what was given; the message says what is allowed."""


@dataclass(frozen=True)
class ResponseNames:
    """Names by the guardrails' prefix.

    Args:
        names: Of the guardrails' own resources.
    """

    names: GuardrailNames

    @property
    def path(self) -> str:
        """IAM path of the roles and policies of the functions."""
        return f"/{self.names.prefix}/"

    @property
    def machine(self) -> str:
        """Name of the state machine."""
        return self.of("containment")

    @property
    def machine_arn(self) -> str:
        """ARN of the state machine, with pseudo parameters."""
        return f"arn:{PARTITION}:states:{REGION}:{ACCOUNT}:stateMachine:{self.machine}"

    @property
    def responder(self) -> str:
        """Name of the function that contains, and of its role."""
        return self.of("responder")

    def role_arn(self, function: str) -> str:
        """Return the ARN of a function's role by the function's name, with pseudo parameters."""
        return f"arn:{PARTITION}:iam::{ACCOUNT}:role{self.path}{function}"

    @property
    def intake(self) -> str:
        """Name of the function that people ask."""
        return self.of("containment-intake")

    @property
    def decisions(self) -> str:
        """Name of the function that two people ask to restore what took many down, and of its role."""
        return self.of("containment-decisions")

    @property
    def trigger(self) -> str:
        """Name of the role by which a finding contains its agent, and of the queue of what was not delivered."""
        return self.of("containment-trigger")

    @property
    def bucket(self) -> str:
        """Name of the bucket of restore records, with the CDK's tokens."""
        return f"{records_name(self.names)}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"

    def of(self, what: str) -> str:
        """Return the name of something else."""
        return f"{self.names.prefix}-{what}"
