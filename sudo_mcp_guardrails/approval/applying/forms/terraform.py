"""A saved plan of Terraform: one build of CodeBuild, which compares the plan with what was approved and applies it.

A second ``StartBuild`` with its token is the same build for five minutes. After that nobody can tell from outside.
Sources: CodeBuild API reference, ``StartBuild`` (``idempotencyToken``) and ``Build``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import plain
from sudo_mcp_guardrails.approval.applying.calls import Call, ended, run
from sudo_mcp_guardrails.approval.applying.forms.progress import RUNNING, Progress, Verified, failed, not_done, of_start
from sudo_mcp_guardrails.approval.deciding.events import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.calls import Send
    from sudo_mcp_guardrails.approval.applying.forms.progress import Work

_CALL: Final = "build"
_SAME_FOR: Final = 240
"""Seconds; a minute less than the token counts, for clocks."""


class TerraformWay:
    """Applies a saved plan."""

    def start(self, work: Work) -> Progress:
        """Start the build."""
        project = work.project.rpartition("/")[2]
        parameters = {
            "projectName": project,
            "idempotencyToken": work.journal.approval,
            "environmentVariablesOverride": [
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in sorted(_variables(work).items())
            ],
        }

        def ready() -> Send:
            session = work.sessions.applying(work.asker, work.plan.digest, work.policies[0])
            return partial(session.client("codebuild", once=True).start_build, **parameters)

        call = Call(_CALL, "codebuild:StartBuild", parameters, ready, _build_id, same_for=_SAME_FOR)
        return of_start(run(work.journal, call, work.veil), "StartBuild")

    def poll(self, work: Work) -> Progress:
        """Ask for the build's state."""
        build = self._build(work)
        if build is None:
            return self.start(work)
        status = str(build.get("buildStatus"))
        if status == "IN_PROGRESS":
            return RUNNING
        if status == "SUCCEEDED":
            return Progress(running=False, outcome=Outcome.EXECUTED, detail="the build succeeded")
        phase = build.get("currentPhase")
        return failed(work.veil.text(f"the build is {status} in phase {phase}: what was applied before stays"))

    def verify(self, work: Work) -> Verified:
        """Compare the build with the one that was started."""
        nothing = not_done(ended(work.journal.seen(), _CALL), "StartBuild")
        if nothing is not None:
            return nothing
        build = self._build(work) or {}
        environment: Any = build.get("environment") or {}
        had = {item.get("name"): item.get("value") for item in environment.get("environmentVariables") or []}
        deviations = [
            f"the build had another {name} than was approved"
            for name, value in sorted(_variables(work).items())
            if had.get(name) != value
        ]
        said = {item.get("name"): item.get("value") for item in build.get("exportedEnvironmentVariables") or []}
        succeeded = build.get("buildStatus") == "SUCCEEDED"
        if succeeded and said.get("APPLIED_DIGEST") != work.plan.digest:
            deviations.append("the build did not say that it applied the approved plan")
        return Verified(Outcome.EXECUTED if succeeded else Outcome.FAILED, tuple(deviations))

    def _build(self, work: Work) -> dict[str, Any] | None:
        found = ended(work.journal.seen(), _CALL)
        id_ = found.facts.get("buildId", "") if found else ""
        if not id_:
            return None
        client = work.sessions.reading(work.asker).client("codebuild")
        builds = plain(client.batch_get_builds(ids=[id_])).get("builds") or [{}]
        first: dict[str, Any] = builds[0]
        return first


def _variables(work: Work) -> dict[str, str]:
    return {**work.variables, "PLAN_DIGEST": work.plan.digest, "PLAN_FILE_SHA256": work.plan.artifact}


def _build_id(answer: Mapping[str, Any]) -> dict[str, str]:
    return {"buildId": str((answer.get("build") or {}).get("id") or "")}
