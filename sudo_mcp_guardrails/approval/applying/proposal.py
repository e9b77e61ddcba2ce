"""Reading a plan from where it is, for an approval that begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.reading.submitted import fetched, looked_up
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.store.asked import BundleRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.grounds import Grounds

_APPROVAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")
_CHANGE_SET: Final = re.compile(
    r"arn:[a-z-]+:cloudformation:[a-z0-9-]+:\d{12}:changeSet/[A-Za-z][-A-Za-z0-9]{0,127}/[0-9a-f-]{36}"
)


def read_proposal(grounds: Grounds, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Read a plan from where it is, and keep what it was read from.

    Args:
        grounds: What plans are read from.
        asked: The state machine's input.

    Returns:
        ``{"bundle": {"key", "version", "digest"}, "planDigest"}``.

    Raises:
        ApplyRefused: There is none to be read, or not for this agent there.
        PlanError: What is there is no plan.
    """
    approval = str(asked.get("approval"))
    if not _APPROVAL.fullmatch(approval):
        raise ApplyRefused(f"approval {approval[:80]!r} is none")
    asker = grounds.asker_of_input(asked)
    session = grounds.sessions.reading(asker)
    arn, source = asked.get("changeSet"), asked.get("source")
    if (arn is None) == (source is None):
        raise ApplyRefused("the request has both a change set and a bundle, or neither, expected one of them")
    if arn is not None:
        if not isinstance(arn, str) or not _CHANGE_SET.fullmatch(arn):
            raise ApplyRefused(f"change set {str(arn)[:200]!r} is none, expected its ARN")
        bundle = grounds.change_set(session, arn, asker)
    else:
        submitted = fetched(grounds.objects, grounds.bucket, BundleRef.from_document(source))
        bundle = grounds.placed(
            asker.requester.agent,
            approval,
            looked_up(session, submitted, account=asker.account, region=asker.region),
        )
    plan = bundle.plan()
    if plan.form.value != asked.get("form"):
        raise ApplyRefused(f"the plan is a {plan.form.value}, the request says {str(asked.get('form'))[:40]!r}")
    ref = grounds.keep(asker.requester.agent, approval, bundle)
    return {"bundle": ref.document(), "planDigest": plan.digest}
