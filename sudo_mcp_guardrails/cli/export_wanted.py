"""What ``mcp-guardrails export`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


class Format(str, Enum):
    """What is written."""

    SCP_JSON = "scp-json"
    IAM_JSON = "iam-json"
    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"
    GUARD = "guard"
    CONTAINMENT = "containment"


OF_AN_APP: Final = (Format.IAM_JSON, Format.CLOUDFORMATION, Format.TERRAFORM)
OF_AN_ORGANIZATION: Final = (Format.SCP_JSON, Format.TERRAFORM)
PREFIXED: Final = (*OF_AN_ORGANIZATION, Format.CONTAINMENT)
DEFAULT_PACKS: Final = ("agents",)
"""Packs of organization policies where none is asked for."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Args:
        form: The format.
        packs: Packs of organization policies; none for the default.
        prefix: Name prefix; None for the library's.
        organization_id: The organization's id; empty where unknown.
        regions: Regions that may be used; none for no limit.
        values: The pseudo parameters that are given.
        classes: Of agents, with an SCP of their own.
        home: Account of the kill switch; empty for the same.
    """

    form: Format
    packs: tuple[str, ...]
    prefix: str | None
    organization_id: str
    regions: tuple[str, ...]
    values: Mapping[str, str]
    classes: tuple[str, ...] = ()
    home: str = ""

    @property
    def settings(self) -> OrganizationSettings:
        """What the organization's policies are made from."""
        from sudo_mcp_guardrails.policies.naming import GuardrailNames
        from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

        return OrganizationSettings(
            names=GuardrailNames(self.prefix) if self.prefix else GuardrailNames(),
            organization_id=self.organization_id,
            regions=self.regions,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        found: dict[str, Any] = {"values": dict(sorted(self.values.items()))}
        if self.form in OF_AN_ORGANIZATION:
            found |= {
                "packs": list(self.packs),
                "prefix": self.settings.names.prefix,
                "organizationId": self.organization_id,
                "regions": list(self.regions),
            }
        if self.form is Format.CONTAINMENT:
            found |= {"prefix": self.settings.names.prefix, "classes": list(self.classes), "home": self.home}
        return found
