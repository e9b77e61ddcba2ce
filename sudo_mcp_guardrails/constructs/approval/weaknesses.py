"""What of a workflow is weaker than it could be, said aloud at every synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.approval.deciding.decision import FactorKind

if TYPE_CHECKING:
    from constructs import Construct

    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.constructs.approval.identity import ApprovalIdentity

_WARNING: Final = "@sudo-mcp-guardrails/approvalWorkflow:"


def tell(
    scope: Construct,
    *,
    policy: ApprovalPolicy,
    identity: ApprovalIdentity,
    passkeys: bool,
    iam_users: bool,
    governed: bool,
    kept: bool,
    promoted: bool,
    told: bool,
    heads: bool,
    alarmed: bool,
    foreign: tuple[str, ...] = (),
) -> None:
    """Add the warnings."""
    found: dict[str, str] = {}
    for index, weakness in enumerate(policy.weaknesses()):
        found[f"policy{index or ''}"] = weakness
    found |= _unproven(policy, identity, passkeys=passkeys, iam_users=iam_users)
    if governed:
        found["governance"] = "evidence is locked in GOVERNANCE mode, which who may change the bucket's policy can lift"
    if not kept:
        found["removal"] = "evidence, and the keys that verify it, are removed with the stack"
    if not promoted:
        found["noSecurity"] = "nobody speaks for security, so that no agent is ever promoted: give security_groups"
    if not told:
        found["noNotices"] = "nobody is told of approvals: give notices, or have people look at the page"
    if not heads:
        found["noHeads"] = (
            "no head of the evidence is published, so who owns this account could cut the evidence unseen: give "
            "heads_bucket, of another account"
        )
    if not alarmed:
        found["noAlarmTopic"] = "nobody is told of the workflow's alarms: give alarm_topic"
    if foreign:
        found["ownTerraformProject"] = (
            f"the projects that apply Terraform plans of {', '.join(foreign)} are not of TerraformProject, so that "
            "nothing is proved of their roles and commands"
        )
    for name, text in found.items():
        cdk.Annotations.of(scope).add_warning_v2(f"{_WARNING}{name}", text)


def _unproven(policy: ApprovalPolicy, identity: ApprovalIdentity, *, passkeys: bool, iam_users: bool) -> dict[str, str]:
    """Return what keeps people from proving that they are there."""
    kinds = {issuer.kind for issuer in policy.freshness.issuers}
    names = {issuer.name for issuer in policy.freshness.issuers if issuer.kind is FactorKind.JWT}
    found = {}
    if not cdk.Token.is_unresolved(identity.issuer) and FactorKind.JWT in kinds and identity.issuer not in names:
        found["issuer"] = (
            f"issuer {identity.issuer!r} is none of the policy's freshness, so that its sign-ins prove nothing: "
            f"allowed are {', '.join(sorted(names))}"
        )
    if FactorKind.WEBAUTHN in kinds and not passkeys:
        found["noPasskeys"] = "the policy counts on passkeys, which need the page's origin: give page_origin"
    if FactorKind.MFA in kinds and not iam_users:
        found["noIamUsers"] = "the policy counts on IAM users' second factors, who have no way in: give iam_users"
    return found
