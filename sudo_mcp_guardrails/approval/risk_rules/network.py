"""Changes to what reaches what within a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule
from sudo_mcp_guardrails.iam.matching import action_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_ACTIONS: Final = action_test(
    (
        *("directconnect:*", "ec2:*NetworkAcl*", "ec2:*Route*", "ec2:*SecurityGroup*", "ec2:*Subnet*", "ec2:*Vpc*"),
        *("ec2:*TransitGateway*", "ec2:*NatGateway*", "ec2:*PrefixList*", "elasticloadbalancing:*"),
        *("network-firewall:*", "networkmanager:*", "route53:Change*", "route53resolver:*", "vpc-lattice:*", "wafv2:*"),
    )
)


def _of_change(seen: Seen) -> Iterator[Found]:
    if "network" in seen.traits:
        yield Found(RiskClass.R2, f"{seen.change.type} decides what reaches what")
    if "guard" in seen.traits:
        what = "removes" if seen.ends else "changes"
        yield Found(RiskClass.R3, f"it {what} {seen.change.type}, which limits or checks what others do")
    if not seen.reads:
        for action in seen.actions:
            if _ACTIONS(action.lower()) and seen.context.levels.of(action) not in {"Read", "List"}:
                yield Found(RiskClass.R2, f"{action} decides what reaches what")


RULE: Final = RiskRule(
    id="network",
    title="A change to what reaches what within a network: R2; to a firewall, or anything else that limits or checks "
    "what others do: R3.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the trust model of this project: network inside a VPC is R2",),
    of_change=_of_change,
)
