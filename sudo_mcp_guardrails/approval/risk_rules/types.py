"""What is known about types of resources: which hold data, decide who may what, let somebody in, or watch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).with_name("types.json")
_AWSCC: Final = "awscc_"
NOT_OF_CLOUDFORMATION: Final = frozenset(
    {"AWS::EC2::ReservedInstances", "AWS::S3::BucketLogging", "AWS::S3::BucketNotification", "AWS::S3::Object"}
    | {"AWS::S3::AccountPublicAccessBlock", "AWS::S3::BucketReplication", "AWS::SavingsPlans::SavingsPlan"}
    | {"Terraform::Local::Secret", "Terraform::Local::Value"}
)
"""Names that are ours, for what only Terraform has as a type of its own."""


@dataclass(frozen=True)
class KnownTypes:
    """The table.

    Attributes:
        traits: what each trait means.
        cloudformation: type to its traits.
        terraform: type to that of CloudFormation which it is like.
    """

    traits: dict[str, str]
    cloudformation: dict[str, frozenset[str]]
    terraform: dict[str, str]

    def of(self, type_: str) -> frozenset[str] | None:
        """Return the traits of a type of either tool; None for one that is not known."""
        found = self.cloudformation.get(self.like(type_))
        if found is None and type_.startswith("Custom::"):
            return frozenset({"custom"})
        return found

    def like(self, type_: str) -> str:
        """Return the type of CloudFormation that a type is, or is like."""
        if type_.startswith(_AWSCC):
            return self._of_awscc.get(type_[len(_AWSCC) :].replace("_", ""), type_)
        return self.terraform.get(type_, type_)

    @cached_property
    def _of_awscc(self) -> dict[str, str]:
        """Types by how the provider ``awscc`` calls them, which is made from their names, without underscores."""
        return {"".join(name.split("::")[1:]).lower(): name for name in self.cloudformation if name.startswith("AWS::")}


@cache
def known_types() -> KnownTypes:
    """Return the table that the package ships."""
    raw = json.loads(_DATA.read_text(encoding="utf-8"))
    types = {name: frozenset(traits.split()) for name, traits in raw["cloudformation"].items()}
    return KnownTypes(raw["traits"], types, raw["terraform"])
