"""What plans are read from, and with what they are carried out: the settings, the sessions and the evidence bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.reading.change_sets import read_change_set
from sudo_mcp_guardrails.approval.applying.reading.submitted import FORMS, fetched, looked_up
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.applying.sessions import Asker
from sudo_mcp_guardrails.approval.deciding.request import Requester
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.session_policy import ApplySettings
from sudo_mcp_guardrails.approval.store import saved_plan
from sudo_mcp_guardrails.approval.store.asked import BundleRef
from sudo_mcp_guardrails.approval.store.bundle import Bundle
from sudo_mcp_guardrails.approval.store.plan_keys import plan_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.sessions import Session, Sessions
    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.approval.store.settings import ApprovalSettings

_PROJECT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}")


@dataclass(frozen=True)
class Grounds:
    """What the broker stands on.

    Attributes:
        settings: Of the workflow.
        sessions: Of the apply roles.
        objects: boto3's client of S3, for the evidence bucket.
        bucket: Its name.
        partition: Of ARNs.
    """

    settings: ApprovalSettings
    sessions: Sessions
    objects: Any
    bucket: str
    partition: str

    def asker_of_input(self, asked: Mapping[str, Any]) -> Asker:
        """Return for whom a plan is read, from the state machine's input; raises ApplyRefused."""
        told = asked.get("requester")
        given: Mapping[str, Any] = told if isinstance(told, dict) else {}
        requester = Requester(*(str(given.get(name) or "") for name in ("agent", "run", "person", "owner")))
        asker = Asker(requester, *(str(asked.get(name) or "") for name in ("ticket", "account", "region")))
        return self._checked(asker, str(asked.get("environment")))

    def asker_of(self, case: Case) -> Asker:
        """Return for whom an approval is; raises ApplyRefused for what the settings do not know."""
        request = case.request
        asker = Asker(request.requester, request.ticket, request.account, request.region)
        return self._checked(asker, request.environment)

    def role(self, asker: Asker) -> str:
        """Return the ARN of the pinned role, under which CloudFormation works."""
        return self.sessions.role_arn(asker.account, asker.requester.agent, "execution")

    def change_set(self, session: Session, arn: str, asker: Asker) -> Bundle:
        """Read a change set of the pinned role; raises ApplyRefused and PlanError."""
        bundle = read_change_set(session, arn, account=asker.account, region=asker.region)
        role = bundle.known["options"]["RoleARN"]
        expected = self.role(asker)
        if role != expected:
            raise ApplyRefused(f"the change set's stack works under {role or 'no role'}, expected {expected}")
        return bundle

    def now(self, case: Case) -> Bundle:
        """Return what an approved plan is read from, as it is now; raises ApplyRefused and PlanError."""
        asker, session = self.asker_of(case), self.sessions.reading(self.asker_of(case))
        if case.asked.form is Form.CHANGE_SET:
            return self.change_set(session, case.asked.artifact, asker)
        if case.asked.form not in FORMS:
            raise ApplyRefused(f"a plan of form {case.asked.form.value} is not carried out")
        kept = fetched(self.objects, self.bucket, case.asked.bundle)
        if case.asked.form is Form.TERRAFORM:
            self.check_saved(case, kept.plan())
        return looked_up(session, kept, account=asker.account, region=asker.region)

    def placed(self, agent: str, approval: str, bundle: Bundle) -> Bundle:
        """Return a Terraform plan's bundle with where its file is, by version, after comparing the file's hash.

        Other bundles are returned as they are. What the bundle said of the place before does not count.

        Raises:
            PlanError: The file is not there, or another one is.
        """
        if bundle.form is not Form.TERRAFORM:
            return bundle
        known = bundle.known
        where = saved_plan.pinned(self.objects, self.bucket, agent, approval, str(known.get("artifact") or ""))
        return Bundle(bundle.form, bundle.data, {**known, "options": {**dict(known.get("options") or {}), **where}})

    def check_saved(self, case: Case, plan: Plan) -> None:
        """Compare an approved Terraform plan's file with the hash that was approved; raises PlanError."""
        options = plan.parameters["Options"]
        request = case.request
        saved_plan.check(self.objects, self.bucket, request.requester.agent, request.id, options, plan.artifact)

    def approved(self, case: Case) -> Plan:
        """Return the plan that was approved, from what was kept: what runs already is not there any more as it was."""
        plan = fetched(self.objects, self.bucket, case.asked.bundle).plan()
        if plan.digest != case.request.plan_digest:
            raise ApplyRefused(f"the plan that was kept has digest {plan.digest}, expected {case.request.plan_digest}")
        return plan

    def keep(self, agent: str, approval: str, bundle: Bundle) -> BundleRef:
        """Keep what a plan was read from."""
        key = plan_key(agent, approval, "bundle.json")
        answer = self.objects.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=bundle.to_json(),
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",  # Object Lock takes no object without a checksum
        )
        return BundleRef(key, str(answer["VersionId"]), bundle.digest)

    def project(self, asker: Asker) -> str:
        """Return the ARN of the project that applies the agent's Terraform plans; raises PlanError for none."""
        known = (self.settings.terraform or {}).get("projects")
        name = str((known.get(asker.requester.agent) if isinstance(known, dict) else "") or "")
        if not _PROJECT.fullmatch(name):
            raise PlanError(
                f"no project is set that carries out plans of Terraform of agent {asker.requester.agent!r}, expected "
                "the name of one"
            )
        return f"arn:{self.partition}:codebuild:{asker.region}:{asker.account}:project/{name}"

    def apply_settings(self, asker: Asker, plan: Plan, bundle: BundleRef) -> ApplySettings:
        """Return with what a plan is carried out.

        A saved plan file of Terraform lies where the plan's options ``PlanKey`` and ``PlanVersion`` say, which are the
        broker's; the broker has compared its hash, and the build compares it again.
        """
        project, variables = "", {}
        if plan.form is Form.TERRAFORM:
            project = self.project(asker)
            options = plan.parameters["Options"]
            key, version = (str(options.get(each) or "") for each in saved_plan.PLACE)
            if not (key and version):
                raise PlanError("the plan does not say where its file is, expected the options PlanKey and PlanVersion")
            variables = {
                "PLAN_KEY": key,
                "PLAN_VERSION": version,
                "BUNDLE_KEY": bundle.key,
                "BUNDLE_VERSION": bundle.version,
            }
        return ApplySettings(
            execution_role=self.role(asker),
            project=project,
            variables=variables,
            partition=self.partition,
            account=asker.account,
            region=asker.region,
        )

    def _checked(self, asker: Asker, environment: str) -> Asker:
        agent = self.settings.agents.get(asker.requester.agent)
        place = agent.environment(environment) if agent is not None else None
        if place is None:
            raise ApplyRefused(f"agent {asker.requester.agent[:80]!r} has no environment {environment[:40]!r}")
        if asker.account not in place.accounts or asker.region not in place.regions:
            raise ApplyRefused(f"account {asker.account!r} and Region {asker.region!r} are not in {environment!r}")
        return asker
