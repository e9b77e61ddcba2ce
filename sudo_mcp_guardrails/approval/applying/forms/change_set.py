"""A change set: executed by its ARN, which no other content can have.

It is carried out once by nature, and says itself whether it was: ``ExecutionStatus``. Whether it was we who did it say
the stack's events, by our token.
Sources: CloudFormation API reference, ``ExecuteChangeSet``, ``DescribeStackEvents`` and ``Stack``; user guide,
"Understand CloudFormation stack creation events".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import plain
from sudo_mcp_guardrails.approval.applying.calls import Call, ended, run
from sudo_mcp_guardrails.approval.applying.forms.progress import RUNNING, Progress, Verified, failed, not_done, of_start
from sudo_mcp_guardrails.approval.applying.forms.stack_events import compared, events_of
from sudo_mcp_guardrails.approval.deciding.events import Outcome
from sudo_mcp_guardrails.approval.store.aws import code_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.calls import Send
    from sudo_mcp_guardrails.approval.applying.forms.progress import Work

_CALL: Final = "execute"
_OPERATION: Final = "cloudformation:ExecuteChangeSet"
_AVAILABLE: Final = "AVAILABLE"
_BEGUN: Final = frozenset({"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"})
_SUCCEEDED: Final = ("EXECUTE_COMPLETE", "")
_GONE: Final = frozenset({"ChangeSetNotFound", "ChangeSetNotFoundException"})


class ChangeSetWay:
    """Carries out a change set."""

    def start(self, work: Work) -> Progress:
        """Execute it."""
        options: Any = work.plan.parameters["Options"]
        parameters: dict[str, Any] = {"ChangeSetName": work.plan.artifact, "ClientRequestToken": work.journal.approval}
        if "DisableRollback" in options:
            parameters["DisableRollback"] = options["DisableRollback"]

        def ready() -> Send:
            session = work.sessions.applying(work.asker, work.plan.digest, work.policies[0])
            return partial(session.client("cloudformation", once=True).execute_change_set, **parameters)

        call = Call(_CALL, _OPERATION, parameters, ready, lambda _: {"token": work.journal.approval}, self._found(work))
        return of_start(run(work.journal, call, work.veil), "ExecuteChangeSet")

    def poll(self, work: Work) -> Progress:
        """Look at the change set and at its stack."""
        cloudformation = work.sessions.reading(work.asker).client("cloudformation")
        state = _execution_status(cloudformation, work.plan.artifact)
        if state == _AVAILABLE:
            return self.start(work)  # a broker crashed before it executed it
        stack = _stack(cloudformation, work.plan.target)
        status = str(stack.get("StackStatus"))
        if not state and not _carries_token(cloudformation, stack, work):
            return failed("the change set is gone, and no event of its stack carries the token of this execution")
        if status.endswith("_IN_PROGRESS") or state == "EXECUTE_IN_PROGRESS":
            return RUNNING
        outcome = _outcome(status)
        if state == "EXECUTE_FAILED" and outcome is Outcome.EXECUTED:
            outcome = Outcome.FAILED
        if outcome is Outcome.EXECUTED:
            return Progress(running=False, outcome=outcome, detail=f"the stack is {status}")
        if outcome is Outcome.ROLLED_BACK:
            return Progress(running=False, outcome=outcome, detail=f"rolled back, the stack is {status}")
        return failed(work.veil.text(f"the stack is {status}: {stack.get('StackStatusReason') or 'without a reason'}"))

    def verify(self, work: Work) -> Verified:
        """Compare the stack's events with the plan."""
        nothing = not_done(ended(work.journal.seen(), _CALL), "ExecuteChangeSet")
        if nothing is not None:
            return nothing
        cloudformation = work.sessions.reading(work.asker).client("cloudformation")
        stack = _stack(cloudformation, work.plan.target)
        status = str(stack.get("StackStatus"))
        events, whole = events_of(cloudformation, str(stack.get("StackId")), work.journal.approval)
        deviations = [] if whole else ["the stack has more events than were read"]
        if not events:
            deviations.append("no event of the stack carries the token of this execution: somebody else executed it")
        deviations += compared(work.plan, events, work.veil)
        role = str(stack.get("RoleARN") or "")
        if role != work.role:
            deviations.append(f"the stack works under {role or 'no role'}, expected {work.role}")
        outcome = _outcome(status)
        if outcome is Outcome.EXECUTED and _execution_status(cloudformation, work.plan.artifact) not in _SUCCEEDED:
            outcome = Outcome.FAILED
        return Verified(outcome, tuple(deviations))

    def _found(self, work: Work) -> Any:  # noqa: ANN401 - a function
        def find() -> Mapping[str, str] | None:
            cloudformation = work.sessions.reading(work.asker).client("cloudformation")
            state = _execution_status(cloudformation, work.plan.artifact)
            begun = state in _BEGUN
            if not state:  # gone: whether it ran, only the stack tells
                begun = _carries_token(cloudformation, _stack(cloudformation, work.plan.target), work)
            return {"token": work.journal.approval} if begun else None

        return find


def _execution_status(cloudformation: Any, arn: str) -> str:  # noqa: ANN401 - of boto3
    """Return whether it was executed; empty for one that is gone, as after it was executed and its stack deleted."""
    try:
        return str(cloudformation.describe_change_set(ChangeSetName=arn).get("ExecutionStatus") or "")
    except Exception as error:
        if code_of(error) not in _GONE:
            raise
        return ""


def _carries_token(cloudformation: Any, stack: dict[str, Any], work: Work) -> bool:  # noqa: ANN401 - of boto3
    """Return whether the stack's events tell of this execution."""
    name = str(stack.get("StackId") or work.plan.target)
    events: list[Any] = plain(cloudformation.describe_stack_events(StackName=name)).get("StackEvents") or []
    return any(event.get("ClientRequestToken") == work.journal.approval for event in events)


def _stack(cloudformation: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - of boto3
    stacks = plain(cloudformation.describe_stacks(StackName=name)).get("Stacks") or [{}]
    found: dict[str, Any] = stacks[0]
    return found


def _outcome(status: str) -> Outcome:
    if "ROLLBACK" in status:
        return Outcome.FAILED if status.endswith("FAILED") else Outcome.ROLLED_BACK
    return Outcome.EXECUTED if status.endswith("_COMPLETE") and not status.startswith("DELETE") else Outcome.FAILED
