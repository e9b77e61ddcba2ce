"""How an execution begins: once, as long as the plan is still what was approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import Veil
from sudo_mcp_guardrails.approval.applying.journal import CALL_STARTED
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.deciding.events import ExecutionStarted
from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.session_policy import session_policies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.grounds import Grounds
    from sudo_mcp_guardrails.approval.applying.journal import Journal
    from sudo_mcp_guardrails.approval.deciding.status import Status
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.approval.store.settings import ApprovalSettings

EXECUTION: Final = "execution"


def execution_of(approval: str) -> str:
    """Return the id of an approval's one execution."""
    return f"exe-{approval}"


def begun(case: Case, status: Status, settings: ApprovalSettings) -> bool:
    """Return whether the execution is under way; a policy that came after its first call does not stop it."""
    if case.ended is not None or case.started is None or case.started.execution != execution_of(case.request.id):
        return False
    other_policy = case.request.policy_version != settings.policy.version
    return status.state is State.EXECUTING or (other_policy and bool(case.of_kind(CALL_STARTED)))


def deviates(grounds: Grounds, journal: Journal, case: Case) -> ApplyRefused | None:
    """Read the plan again as it is now, and refuse for good where it is another one, or cannot be bound."""
    approved = case.request.plan_digest
    try:
        plan = grounds.now(case).plan()
    except (ApplyRefused, PlanError) as error:
        reason = Veil().text(f"what was approved is not there as it was: {error}", 900)
        return journal.refuse_for_good(reason, approved=approved)
    if plan.digest != approved:
        reason = "what would be carried out is not what was approved"
        return journal.refuse_for_good(reason, approved=approved, found=plan.digest)
    try:
        session_policies(plan, grounds.apply_settings(grounds.asker_of(case), plan, case.asked.bundle))
    except PlanError as error:
        return journal.refuse_for_good(f"the plan cannot be bound to a session: {error}", approved=approved)
    return None


def claim(journal: Journal, case: Case) -> None:
    """Begin the execution, if the chain is still as it was when it was found good."""
    seen = case.last.number

    def think(now: Case) -> Mapping[str, Any] | None:
        if now.last.number != seen:
            return None
        event = ExecutionStarted(
            now.request.id, now.digest, now.request.plan_digest, execution_of(now.request.id), journal.now()
        )
        return event.document()

    journal.step(EXECUTION, think)
