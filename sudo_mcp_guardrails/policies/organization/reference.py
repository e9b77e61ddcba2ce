"""The organization that the scenarios of the guardrails for everyone are written for."""

from __future__ import annotations

from datetime import date
from typing import Final

from sudo_mcp_guardrails.policies.organization.exempt import ExemptPrincipals
from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

ORGANIZATION: Final = "o-a1b2c3d4e5"
OFFICE: Final = "203.0.113.7"
"""An address in the organization's network."""
VENDOR: Final = "999999999999"
"""An account outside the organization that it trusts."""

_IAM: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
ADMIN: Final = f"{_IAM}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_0123456789abcdef"
CONTROL_TOWER: Final = f"{_IAM}:role/AWSControlTowerExecution"
"""Who is exempt."""
MANAGEMENT: Final = "arn:${AWS::Partition}:iam::777777777777:role/landing-zone"
"""A role of the organization's management account."""
ROOT: Final = f"{_IAM}:root"
OUTSIDER: Final = "arn:${AWS::Partition}:iam::888888888888:role/somebody"
TRUSTED: Final = f"arn:${{AWS::Partition}}:iam::{VENDOR}:role/collector"

REFERENCE: Final = OrganizationSettings(
    organization_id=ORGANIZATION,
    regions=("eu-central-1", "us-east-1"),
    networks=("203.0.113.0/24", "2001:db8::/32"),
    trusted_accounts=(VENDOR,),
    exempt=(ExemptPrincipals.control_tower("platform@example.com", date(9999, 12, 31)),),
)
"""Every setting that a guardrail needs is given."""
