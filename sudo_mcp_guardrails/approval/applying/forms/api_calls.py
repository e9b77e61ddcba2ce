"""Calls of AWS's API: the approved ones, with the approved parameters, in their order, each once.

The first that does not go well is the last one: what was made before stays, and is listed.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.applying.calls import Call, Ending, ended, run
from sudo_mcp_guardrails.approval.applying.forms.progress import RUNNING, Progress, Verified, failed
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.deciding.events import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.calls import Send
    from sudo_mcp_guardrails.approval.applying.forms.progress import Work
    from sudo_mcp_guardrails.approval.applying.sessions import Session
    from sudo_mcp_guardrails.approval.plan import Change


class ApiCallsWay:
    """Makes calls."""

    def start(self, work: Work) -> Progress:
        """Make the calls that are left, as far as the time of this invocation goes."""
        case = work.journal.seen()
        sessions = _Sessions(work)
        for number, change in enumerate(work.plan.changes):
            found = ended(case, change.id)
            if found is None:
                if work.journal.now() >= work.until:
                    return RUNNING
                found = run(work.journal, self._call(work, change, sessions), work.veil)
            if found.ending is Ending.WAITING:
                return RUNNING
            if found.ending is not Ending.DONE:
                return failed(work.veil.text(_told(change, found.ending, found.error, number, len(work.plan.changes))))
        count = len(work.plan.changes)
        return Progress(running=False, outcome=Outcome.EXECUTED, detail=f"{count} of {count} calls were made")

    def poll(self, work: Work) -> Progress:
        """Go on with what is left."""
        return self.start(work)

    def verify(self, work: Work) -> Verified:
        """Tell what of the plan was carried out, from the records."""
        case = work.journal.seen()
        deviations = []
        for change in work.plan.changes:
            found = ended(case, change.id)
            if found is None:
                deviations.append(f"call {change.id} ({change.type}) was not made")
            elif found.ending is Ending.UNKNOWN:
                deviations.append(f"call {change.id} ({change.type}) began, and its result is not known: look at it")
            elif found.ending is not Ending.DONE:
                deviations.append(f"call {change.id} ({change.type}) was refused: {found.error}")
        outcome = Outcome.FAILED if deviations else Outcome.EXECUTED
        return Verified(outcome, tuple(work.veil.text(each) for each in deviations))

    def _call(self, work: Work, change: Change, sessions: _Sessions) -> Call:
        service, operation = (str(change.options[name]) for name in ("Service", "Operation"))
        parameters: Mapping[str, Any] = change.after or {}

        def ready() -> Send:
            client = sessions.of(change).client(service, change.region or work.asker.region, once=True)
            return partial(getattr(client, _method(client, operation)), **_sent(parameters))

        return Call(change.id, f"{service}:{operation}", parameters, ready, lambda _: {})


class _Sessions:
    """The sessions of a plan, each made when its first call is due."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._policy_of = {id_: number for number, policy in enumerate(work.policies) for id_ in policy.changes}
        self._made: tuple[int, Session] | None = None

    def of(self, change: Change) -> Session:
        number = self._policy_of.get(change.id)
        if number is None:
            raise ApplyRefused(f"no session is for call {change.id!r}")
        if self._made is None or self._made[0] != number:
            work = self._work
            self._made = number, work.sessions.applying(work.asker, work.plan.digest, work.policies[number])
        return self._made[1]


def _method(client: Any, operation: str) -> str:  # noqa: ANN401 - of boto3
    """Return the name of a client's method for an operation."""
    names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    if operation not in names:
        raise ApplyRefused(f"operation {operation!r} is none of the service's")
    return str(names[operation])


def _sent(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return parameters as boto3 takes them: fractions as floats."""
    if isinstance(value, dict):
        return {name: _sent(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sent(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _told(change: Change, ending: Ending, error: str, made: int, count: int) -> str:
    what = f"call {change.id} of {count} ({change.type})"
    before = f"; {made} before it were made and stay" if made else "; none was made before it"
    if ending is Ending.FAILED:
        return f"{what} was refused: {error}{before}"
    return f"{what} began, and its result is not known: {error}; look at what it was about{before}"
