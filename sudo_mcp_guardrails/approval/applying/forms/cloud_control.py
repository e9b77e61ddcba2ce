"""A request to the Cloud Control API: one call, which its token makes the same call for 36 hours.

Source: Cloud Control API reference, ``CreateResource`` (``ClientToken``), ``GetResourceRequestStatus`` and
``ProgressEvent``.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import is_missing, plain
from sudo_mcp_guardrails.approval.applying.calls import Call, ended, run
from sudo_mcp_guardrails.approval.applying.forms.progress import RUNNING, Progress, Verified, failed, not_done, of_start
from sudo_mcp_guardrails.approval.canonical import canonical
from sudo_mcp_guardrails.approval.deciding.events import Outcome
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.approval.applying.calls import Send
    from sudo_mcp_guardrails.approval.applying.forms.progress import Work
    from sudo_mcp_guardrails.approval.plan import Change

_CALL: Final = "request"
_SAME_FOR: Final = 30 * 3600
_MADE: Final = {
    Operation.CREATE: ("create_resource", "CreateResource"),
    Operation.UPDATE: ("update_resource", "UpdateResource"),
    Operation.DELETE: ("delete_resource", "DeleteResource"),
}
_TAKEN: Final = ("TypeVersionId",)
"""Members of a request that it may have beside those of its form."""


class CloudControlWay:
    """Carries out one request."""

    def start(self, work: Work) -> Progress:
        """Make it."""
        (change,) = work.plan.changes
        method, operation = _MADE[change.operation]
        parameters = {
            "TypeName": change.type,
            "RoleArn": work.role,
            "ClientToken": work.journal.approval,
            **{name: change.options[name] for name in _TAKEN if name in change.options},
            **_body(change),
        }

        def ready() -> Send:
            session = work.sessions.applying(work.asker, work.plan.digest, work.policies[0])
            return partial(getattr(session.client("cloudcontrol", once=True), method), **parameters)

        call = Call(_CALL, f"cloudformation:{operation}", parameters, ready, _event, same_for=_SAME_FOR)
        return of_start(run(work.journal, call, work.veil), operation)

    def poll(self, work: Work) -> Progress:
        """Ask for the request's state."""
        token = self._token(work)
        if not token:
            return self.start(work)
        event = self._status(work, token)
        status = str(event.get("OperationStatus"))
        if status in {"PENDING", "IN_PROGRESS", "CANCEL_IN_PROGRESS"}:
            return RUNNING
        if status == "SUCCESS":
            return Progress(running=False, outcome=Outcome.EXECUTED, detail="the request succeeded")
        message = event.get("StatusMessage") or event.get("ErrorCode") or "without a reason"
        return failed(work.veil.text(f"the request is {status}: {message}"))

    def verify(self, work: Work) -> Verified:
        """Compare what the request did with the plan."""
        nothing = not_done(ended(work.journal.seen(), _CALL), "the request")
        if nothing is not None:
            return nothing
        token = self._token(work)
        event = self._status(work, token)
        outcome = Outcome.EXECUTED if event.get("OperationStatus") == "SUCCESS" else Outcome.FAILED
        return Verified(outcome, tuple(map(work.veil.text, self._deviations(work, event, outcome))))

    def _token(self, work: Work) -> str:
        found = ended(work.journal.seen(), _CALL)
        return found.facts.get("requestToken", "") if found else ""

    def _status(self, work: Work, token: str) -> dict[str, Any]:
        client = work.sessions.reading(work.asker).client("cloudcontrol")
        event: dict[str, Any] = plain(client.get_resource_request_status(RequestToken=token)).get("ProgressEvent") or {}
        return event

    def _deviations(self, work: Work, event: Mapping[str, Any], outcome: Outcome) -> Iterator[str]:
        (change,) = work.plan.changes
        expected = {"TypeName": change.type, "Operation": change.operation.value.upper()}
        if change.physical_id is not None:
            expected["Identifier"] = change.physical_id
        for name, value in expected.items():
            if event.get(name) != value:
                yield f"the request's {name} is {event.get(name)!r}, planned was {value!r}"
        if outcome is Outcome.EXECUTED and change.operation is not Operation.DELETE and isinstance(change.after, dict):
            yield from self._properties(work, change, str(event.get("Identifier")))

    def _properties(self, work: Work, change: Change, identifier: str) -> Iterator[str]:
        client = work.sessions.reading(work.asker).client("cloudcontrol")
        try:
            answer = client.get_resource(TypeName=change.type, Identifier=identifier)
            now = json.loads(answer["ResourceDescription"]["Properties"])
        except Exception as error:
            if not is_missing(error):
                raise
            yield f"what {identifier} is now cannot be read"
            return
        for name, value in sorted(change.after.items()):
            # Properties that are only written, such as passwords, are not told.
            if name in now and not _alike(now[name], value):
                yield f"property {name} is another than was planned"


def _alike(one: object, other: object) -> bool:
    try:
        return canonical(one) == canonical(other)
    except PlanError:
        return False


def _body(change: Change) -> dict[str, str]:
    if change.operation is Operation.CREATE:
        return {"DesiredState": canonical(change.after).decode()}
    body = {"Identifier": str(change.physical_id)}
    if change.operation is Operation.UPDATE:
        body["PatchDocument"] = canonical(change.options["PatchDocument"]).decode()
    return body


def _event(answer: Mapping[str, Any]) -> dict[str, str]:
    event = answer.get("ProgressEvent") or {}
    return {"requestToken": str(event.get("RequestToken") or "")}
