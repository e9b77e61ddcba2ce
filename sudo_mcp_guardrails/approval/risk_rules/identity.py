"""Changes to who somebody is and what they may do."""

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
        *("acm-pca:*", "cognito-identity:*", "cognito-idp:*", "iam:*", "identitystore:*", "kms:*", "lakeformation:*"),
        *("rolesanywhere:*", "sso:*", "sso-directory:*", "sts:*", "verifiedpermissions:*"),
    )
)
_PASSES: Final = "iam:passrole"


def _of_change(seen: Seen) -> Iterator[Found]:
    if "identity" in seen.traits:
        yield Found(RiskClass.R3, f"{seen.change.type} decides who somebody is or what they may do")
    if seen.reads:
        return
    for action in seen.actions:
        name = action.lower()
        if _ACTIONS(name) and name != _PASSES and not _reads(seen, action):
            yield Found(RiskClass.R3, f"{action} changes who somebody is or what they may do")
        elif name == _PASSES and not seen.is_own:
            yield Found(RiskClass.R3, "it passes a role that is not known to be the agent's own")


def _reads(seen: Seen, action: str) -> bool:
    return seen.context.levels.of(action) in {"Read", "List"}


RULE: Final = RiskRule(
    id="identity",
    title="A change to identities, roles, policies, keys, trust or sign-in, or a role that is passed: R3.",
    risks=(RiskClass.R3,),
    sources=("the trust model of this project: IAM, KMS and trust are R3",),
    of_change=_of_change,
)
