"""The broker's four tasks: read a plan, carry out what was approved, follow it, compare what happened.

All of them go by the chain and believe no caller: what the state machine hands over is compared with the chain, and is
otherwise a name to look things up by. The claim is the record ``execution``: an approval has one, whose id follows from
the approval's, so that whoever comes after a crash goes on with it and begins no second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import Veil
from sudo_mcp_guardrails.approval.applying.forms.api_calls import ApiCallsWay
from sudo_mcp_guardrails.approval.applying.forms.change_set import ChangeSetWay
from sudo_mcp_guardrails.approval.applying.forms.cloud_control import CloudControlWay
from sudo_mcp_guardrails.approval.applying.forms.progress import Work, failed
from sudo_mcp_guardrails.approval.applying.forms.terraform import TerraformWay
from sudo_mcp_guardrails.approval.applying.journal import CALL_STARTED, VERIFIED, Journal
from sudo_mcp_guardrails.approval.applying.reading.submitted import fetched, looked_up
from sudo_mcp_guardrails.approval.applying.refusal import AgentContained, ApplyRefused
from sudo_mcp_guardrails.approval.deciding.events import ExecutionStarted
from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.session_policy import session_policies
from sudo_mcp_guardrails.approval.store.asked import BundleRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.forms.progress import Progress, Way
    from sudo_mcp_guardrails.approval.applying.grounds import Grounds
    from sudo_mcp_guardrails.approval.deciding.status import Status
    from sudo_mcp_guardrails.approval.evidence import Verifier
    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys

EXECUTION: Final = "execution"
LONGEST: Final = 8 * 3600
"""Seconds that an execution is followed."""
BUDGET: Final = 420
"""Seconds that one invocation makes calls for, before the next one goes on."""
_APPROVAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")
_CHANGE_SET: Final = re.compile(
    r"arn:[a-z-]+:cloudformation:[a-z0-9-]+:\d{12}:changeSet/[A-Za-z][-A-Za-z0-9]{0,127}/[0-9a-f-]{36}"
)
_WAYS: Final[dict[Form, Way]] = {
    Form.CHANGE_SET: ChangeSetWay(),
    Form.CLOUD_CONTROL: CloudControlWay(),
    Form.API_CALLS: ApiCallsWay(),
    Form.TERRAFORM: TerraformWay(),
}
_MAX_ROUNDS: Final = 20


@dataclass(frozen=True)
class Broker:
    """Carries out approved plans.

    Attributes:
        store: Of the evidence, with the key of evidence.
        verifier: Of signatures.
        keys: That count.
        grounds: What plans are read from, and with what they are carried out.
        budget: Seconds that one invocation makes calls for.
    """

    store: EvidenceStore
    verifier: Verifier
    keys: Keys
    grounds: Grounds
    budget: float = BUDGET

    def read(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Read a plan from where it is, and keep what it was read from.

        Args:
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
        grounds = self.grounds
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
            bundle = grounds.placed(approval, looked_up(session, submitted, account=asker.account, region=asker.region))
        plan = bundle.plan()
        if plan.form.value != asked.get("form"):
            raise ApplyRefused(f"the plan is a {plan.form.value}, the request says {str(asked.get('form'))[:40]!r}")
        ref = grounds.keep(approval, bundle)
        return {"bundle": ref.document(), "planDigest": plan.digest}

    def apply(self, approval: str, approval_digest: str, plan_digest: str) -> dict[str, Any]:
        """Carry out what was approved, or go on with it.

        Args:
            approval: Its id.
            approval_digest: Of the request, as the caller knows it.
            plan_digest: Of the plan, likewise.

        Returns:
            ``{"execution", "running", "outcome", "detail", "poll"}``.

        Raises:
            ApplyRefused: It is not carried out, which is on record.
            EvidenceError: The chain is not whole.
            Exception: What AWS answers; whoever asks again goes on.
        """
        journal = self._journal(approval)
        for _ in range(_MAX_ROUNDS):
            case = journal.case()
            if (approval_digest, plan_digest) != (case.digest, case.request.plan_digest):
                raise journal.refuse("the digests that were handed over are not those of the approval")
            status = journal.status(case)
            if self._begun(case, status):
                try:
                    plan = self._approved(case)
                except (ApplyRefused, PlanError) as error:
                    # It began, so that this is no refusal: what came of it, whoever records the failure has to say.
                    return _answer(case, failed(Veil().text(f"the execution cannot go on: {error}")))
                work = self._work(journal, case, plan)
                return _answer(case, _WAYS[work.plan.form].start(work))
            if not status.executable:
                because = "; ".join(filter(None, (status.because, *status.missing)))
                raise journal.refuse(
                    f"the approval is {status.state.value}: {because or 'it is not to be carried out'}"
                )
            try:
                self.grounds.sessions.check(case.request.requester.agent)
            except AgentContained as error:
                raise journal.refuse(str(error)) from None
            refusal = self._deviates(journal, case)
            if refusal is not None:
                raise refusal
            self._claim(journal, case)
        raise journal.refuse("others appended to the chain too often while the execution was to begin")

    def poll(self, approval: str, execution: str) -> dict[str, Any]:
        """Tell how far an execution is, and go on with what is left of it.

        Args:
            approval: Its id.
            execution: Its execution's.

        Returns:
            As :meth:`apply`.

        Raises:
            ApplyRefused: There is no such execution.
        """
        journal, case = self._running(approval, execution)
        if not self._begun(case, journal.status(case)):
            return _answer(case, failed("the execution has its end on record already"))
        if case.started is not None and journal.now() - case.started.time > LONGEST:
            return _answer(case, failed(f"the execution is still running after {LONGEST // 3600} hours"))
        work = self._work(journal, case, self.grounds.approved(case))
        return _answer(case, _WAYS[work.plan.form].poll(work))

    def verify(self, approval: str, execution: str) -> dict[str, Any]:
        """Compare what happened with the plan, once.

        Args:
            approval: Its id.
            execution: Its execution's.

        Returns:
            ``{"outcome", "detail", "deviations"}``.

        Raises:
            ApplyRefused: There is no such execution.
        """
        journal, case = self._running(approval, execution)
        known = case.of_kind(VERIFIED)
        if not known:
            work = self._work(journal, case, self.grounds.approved(case))
            found = _WAYS[work.plan.form].verify(work)
            body = {
                "execution": execution,
                "outcome": found.outcome.value,
                "deviations": list(found.deviations),
            }
            journal.step(VERIFIED, lambda case: None if case.of_kind(VERIFIED) else body)
            known = journal.seen().of_kind(VERIFIED)
        body = dict(known[0].body)
        detail = Veil().text("; ".join(body["deviations"]) or "as planned", 900)
        return {"outcome": body["outcome"], "detail": detail, "deviations": body["deviations"]}

    def _journal(self, approval: str) -> Journal:
        return Journal(self.store, self.verifier, self.keys, self.grounds.settings.policy, approval)

    def _running(self, approval: str, execution: str) -> tuple[Journal, Case]:
        journal = self._journal(approval)
        case = journal.case()
        if case.started is None or case.started.execution != execution:
            raise journal.refuse(f"execution {execution[:80]!r} is none of this approval's")
        return journal, case

    def _begun(self, case: Case, status: Status) -> bool:
        """Return whether the execution is under way; a policy that came after its first call does not stop it."""
        if case.ended is not None or case.started is None or case.started.execution != execution_of(case.request.id):
            return False
        other_policy = case.request.policy_version != self.grounds.settings.policy.version
        return status.state is State.EXECUTING or (other_policy and bool(case.of_kind(CALL_STARTED)))

    def _approved(self, case: Case) -> Plan:
        """Return the approved plan; before the first call of it, with the file that will be applied compared."""
        plan = self.grounds.approved(case)
        if plan.form is Form.TERRAFORM and not case.of_kind(CALL_STARTED):
            self.grounds.check_saved(case, plan)
        return plan

    def _deviates(self, journal: Journal, case: Case) -> ApplyRefused | None:
        """Read the plan again as it is now, and refuse for good where it is another one, or cannot be bound."""
        approved = case.request.plan_digest
        try:
            plan = self.grounds.now(case).plan()
        except (ApplyRefused, PlanError) as error:
            reason = Veil().text(f"what was approved is not there as it was: {error}", 900)
            return journal.refuse_for_good(reason, approved=approved)
        if plan.digest != approved:
            reason = "what would be carried out is not what was approved"
            return journal.refuse_for_good(reason, approved=approved, found=plan.digest)
        try:
            session_policies(plan, self.grounds.apply_settings(self.grounds.asker_of(case), plan, case.asked.bundle))
        except PlanError as error:
            return journal.refuse_for_good(f"the plan cannot be bound to a session: {error}", approved=approved)
        return None

    def _claim(self, journal: Journal, case: Case) -> None:
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

    def _work(self, journal: Journal, case: Case, plan: Plan) -> Work:
        asker = self.grounds.asker_of(case)
        apply_settings = self.grounds.apply_settings(asker, plan, case.asked.bundle)
        return Work(
            journal=journal,
            plan=plan,
            asker=asker,
            sessions=self.grounds.sessions,
            policies=session_policies(plan, apply_settings),
            role=apply_settings.execution_role,
            project=apply_settings.project,
            variables=dict(apply_settings.variables),
            veil=Veil(plan),
            until=journal.now() + self.budget,
        )


def execution_of(approval: str) -> str:
    """Return the id of an approval's one execution."""
    return f"exe-{approval}"


def _answer(case: Case, progress: Progress) -> dict[str, Any]:
    return {
        "execution": execution_of(case.request.id),
        "running": progress.running,
        "outcome": progress.outcome.value if progress.outcome is not None else "",
        "detail": progress.detail,
        "poll": {"form": case.asked.form.value},
    }
