"""Names of the guardrails' own resources.

They are the only physical names that the library sets, so that a Deny in another policy, or in an SCP of another
account, can name them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sudo_mcp_guardrails.agent_checks import InvalidAgentError

_PREFIX: Final = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")

PARTITION: Final = "${AWS::Partition}"
ACCOUNT: Final = "${AWS::AccountId}"
REGION: Final = "${AWS::Region}"

ROLE_KINDS: Final = ("read", "plan", "apply", "execution")
"""The four roles of an agent: one per capability, and the one that CloudFormation assumes."""


@dataclass(frozen=True)
class GuardrailNames:
    """Where the guardrails' own roles and policies live.

    Args:
        prefix: Beginning of every physical name, and the first part of every path. 2 to 20 lower-case letters,
            digits and hyphens. Change it to have two copies in one account.
    """

    prefix: str = "mcp-guardrails"

    def __post_init__(self) -> None:
        """Validate; raises InvalidAgentError."""
        if not _PREFIX.fullmatch(self.prefix):
            raise InvalidAgentError("name prefix", self.prefix, "2 to 20 lower-case letters, digits and hyphens")

    @property
    def agents_path(self) -> str:
        """Path of all agent roles."""
        return f"/{self.prefix}/agents/"

    @property
    def policy_path(self) -> str:
        """Path of the policies that agents carry."""
        return f"/{self.prefix}/policies/"

    @property
    def boundary_path(self) -> str:
        """Path of the permissions boundaries."""
        return f"/{self.prefix}/boundary/"

    def role_name(self, agent: str, kind: str) -> str:
        """Return the name of one of an agent's roles."""
        return f"{self.prefix}-{agent}-{kind}"

    def role_path(self, agent: str) -> str:
        """Return the path of an agent's roles."""
        return f"{self.agents_path}{agent}/"

    def role_arn(self, agent: str, kind: str) -> str:
        """Return the ARN of one of an agent's roles, with pseudo parameters."""
        return f"arn:{PARTITION}:iam::{ACCOUNT}:role{self.role_path(agent)}{self.role_name(agent, kind)}"

    def workload_roles(self, agent: str) -> str:
        """Return the ARN pattern of the roles that an agent's own resources may carry."""
        return f"arn:{PARTITION}:iam::{ACCOUNT}:role{self.role_path(agent)}workloads/*"

    def boundary_name(self, agent: str) -> str:
        """Return the name of an agent's boundary."""
        return f"{self.prefix}-agent-{agent}"

    def boundary_arn(self, agent: str) -> str:
        """Return the ARN of an agent's boundary, with pseudo parameters."""
        return f"arn:{PARTITION}:iam::{ACCOUNT}:policy{self.boundary_path}{self.boundary_name(agent)}"

    def approval_name(self, kind: str) -> str:
        """Return the name of a part of the approval workflow, such as its table ``tokens``; no agent touches one."""
        return f"{self.prefix}-approval-{kind}"

    def intake_arn(self, account: str = ACCOUNT) -> str:
        """Return the ARN of the function that takes agents' plans, in any Region.

        Args:
            account: Where the workflow is. Default: the account of the deployment.
        """
        return f"arn:{PARTITION}:lambda:*:{account}:function:{self.approval_name('intake')}"

    @property
    def execution_boundary_name(self) -> str:
        """Name of the boundary that all execution roles of an account share."""
        return f"{self.prefix}-execution"

    @property
    def agent_principals(self) -> str:
        """Pattern of ``aws:PrincipalArn`` that matches every agent role, in every partition and account."""
        return f"arn:*:iam::*:role{self.agents_path}*"
