"""The broker's four tasks: read a plan, carry out what was approved, follow it, compare what happened.

All of them go by the chain and believe no caller: what the state machine hands over is compared with the chain, and is
otherwise a name to look things up by. The claim is the record ``execution``: an approval has one, whose id follows from
the approval's, so that whoever comes after a crash goes on with it and begins no second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import Veil
from sudo_mcp_guardrails.approval.applying.beginning import begun, claim, deviates, execution_of
from sudo_mcp_guardrails.approval.applying.forms.api_calls import ApiCallsWay
from sudo_mcp_guardrails.approval.applying.forms.change_set import ChangeSetWay
from sudo_mcp_guardrails.approval.applying.forms.cloud_control import CloudControlWay
from sudo_mcp_guardrails.approval.applying.forms.progress import Work, failed
from sudo_mcp_guardrails.approval.applying.forms.terraform import TerraformWay
from sudo_mcp_guardrails.approval.applying.journal import CALL_STARTED, VERIFIED, Journal
from sudo_mcp_guardrails.approval.applying.proposal import read_proposal
from sudo_mcp_guardrails.approval.applying.refusal import AgentContained, ApplyRefused
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.session_policy import session_policies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.forms.progress import Progress, Way
    from sudo_mcp_guardrails.approval.applying.grounds import Grounds
    from sudo_mcp_guardrails.approval.evidence import Verifier
    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys

LONGEST: Final = 8 * 3600
"""Seconds that an execution is followed."""
BUDGET: Final = 420
"""Seconds that one invocation makes calls for, before the next one goes on."""
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
        return read_proposal(self.grounds, asked)

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
            if begun(case, status, self.grounds.settings):
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
            refusal = deviates(self.grounds, journal, case)
            if refusal is not None:
                raise refusal
            claim(journal, case)
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
        if not begun(case, journal.status(case), self.grounds.settings):
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

    def _approved(self, case: Case) -> Plan:
        """Return the approved plan; before the first call of it, with the file that will be applied compared."""
        plan = self.grounds.approved(case)
        if plan.form is Form.TERRAFORM and not case.of_kind(CALL_STARTED):
            self.grounds.check_saved(case, plan)
        return plan

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


def _answer(case: Case, progress: Progress) -> dict[str, Any]:
    return {
        "execution": execution_of(case.request.id),
        "running": progress.running,
        "outcome": progress.outcome.value if progress.outcome is not None else "",
        "detail": progress.detail,
        "poll": {"form": case.asked.form.value},
    }
