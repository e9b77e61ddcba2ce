"""What nobody can approve: changes to the guardrails themselves, to one's own policies, and acting as an approver."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut
from sudo_mcp_guardrails.iam.matching import action_test, any_glob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_FORBIDDEN: Final = (
    (
        action_test(("states:SendTask*", "mpa:*")),
        "acts as an approver",
    ),
    (
        action_test(
            (
                *("sts:AssumeRole", "sts:AssumeRoot", "sts:GetFederationToken", "sts:GetScopedCredentials"),
                *("sts:GetSessionToken", "sts:GetWebIdentityToken", "sts:SetSourceIdentity", "sts:TagSession"),
            )
        ),
        "makes a session of its own",
    ),
    (
        action_test(
            (
                *("cloudformation:DeactivateType", "cloudformation:DeregisterType"),
                *("cloudformation:SetTypeConfiguration", "cloudformation:SetTypeDefaultVersion"),
            )
        ),
        "changes the hooks that check what is deployed",
    ),
)
_HOOKS: Final = frozenset({"AWS::CloudFormation::GuardHook", "AWS::CloudFormation::LambdaHook"}) | {
    f"AWS::CloudFormation::Hook{kind}" for kind in ("DefaultVersion", "TypeConfig", "Version")
}


def _of_change(seen: Seen) -> Iterator[Found]:
    for action in seen.actions:
        for test, what in _FORBIDDEN:
            if test(action.lower()):
                yield Found(RiskClass.R4, f"{action} {what}")
    if seen.like in _HOOKS and seen.change.operation is not Operation.CREATE:
        yield Found(RiskClass.R4, "it changes or deletes a hook that checks what is deployed")
    if seen.reads and not any(map(seen.sensitive, seen.actions)):
        return
    theirs = is_theirs(seen.context.names.prefix, seen.context.protected)
    for name in seen.identities:
        if theirs(name):
            yield Found(RiskClass.R4, f"it is about {cut(name)}, which is the guardrails' own")


@lru_cache(maxsize=64)
def is_theirs(prefix: str, protected: tuple[str, ...] = ()) -> _Test:
    """Return a test whether a name, path or ARN is that of a resource of the guardrails.

    The roles that an agent's own resources carry lie on the guardrails' path and are the agent's to have.
    """
    return _Test(prefix, protected)


class _Test:
    def __init__(self, prefix: str, protected: tuple[str, ...]) -> None:
        name = re.escape(prefix)
        self._named = re.compile(rf"(?:^|[:/]){name}(?:[-/*?]|$)")
        self._workload = re.compile(rf"(?:^|:role)/{name}/agents/[a-z0-9-]+/workloads/[^*?]*\*?")
        self._protected = any_glob(protected)

    def __call__(self, text: str) -> bool:
        if self._workload.search(text):
            return False
        return bool(self._named.search(text)) or self._protected(text)


RULE: Final = RiskRule(
    id="guardrails",
    title="A change to the guardrails' own resources by their names, to the agents' roles and policies, to a hook, an "
    "approval, or a session of one's own making: R4, which nobody can approve.",
    risks=(RiskClass.R4,),
    sources=("the trust model of this project, class R4", "policies/organization: agents-guardrails, agents-sessions"),
    of_change=_of_change,
)
