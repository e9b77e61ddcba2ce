"""The sessions that would carry a plan out, shown before anybody decides: the policies that the broker hands to STS.

They are made by the same functions from the same plan, whose digest is compared at every look; the broker makes them
anew when it carries the plan out. Values that nobody is to see are hidden, also where a policy compares with them.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sudo_mcp_guardrails.approval.applying.answers import Veil
from sudo_mcp_guardrails.approval.applying.grounds import Grounds
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.applying.sessions import Sessions
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.session_policy import SESSION_POLICY_LIMIT, each_session
from sudo_mcp_guardrails.handlers.approval_api_plan import shown_plan
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.session_policy import SessionPolicy
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, Caller
    from sudo_mcp_guardrails.handlers.approval_api_request import Request

PARTS: Final = 10
"""Sessions in one answer: each takes its time to be made, and a plan has up to 500."""
_MAX_CHANGES: Final = 100
_KEPT: Final = 2
_ESCAPED: Final = re.compile(r"\$\{([*?$])\}")
"""How a policy writes the characters that mean something to IAM (IAM user guide, "Policy variables")."""


class ShownSessions:
    """The sessions of one plan, made as far as somebody looked.

    Args:
        plan: that is asked for.
        parts: its sessions, one by one.
    """

    def __init__(self, plan: Plan, parts: Iterator[SessionPolicy]) -> None:
        self._veil = Veil(plan)
        self._parts = parts
        self._made: list[dict[str, Any]] = []
        self._lock = Lock()
        self._over = False
        self._why = ""

    def page(self, offset: int) -> dict[str, Any]:
        """Return some sessions, where the next ones begin, and why there are none where that is so."""
        with self._lock:
            # One more than is shown, which tells whether there are more.
            self._make(offset + PARTS + 1)
            after = offset + PARTS
            more = len(self._made) > after
            return {
                "sessions": self._made[offset:after],
                "next": after if more else None,
                "why": self._why,
                "limit": SESSION_POLICY_LIMIT,
            }

    def _make(self, count: int) -> None:
        try:
            while not self._over and len(self._made) < count:
                found = list(islice(self._parts, 1))
                self._over = not found
                self._made += [self._shown(len(self._made) + 1, one) for one in found]
        except PlanError as error:
            self._over, self._why = True, self._veil.text(error, 900)

    def _shown(self, number: int, one: SessionPolicy) -> dict[str, Any]:
        document = json.loads(one.json)
        masked = self._masked(document)
        return {
            "number": number,
            "policy": json.dumps(masked, indent=2, ensure_ascii=False),
            "hidden": masked != document,
            "characters": len(one.json),
            "changes": [self._veil.text(each) for each in one.changes[:_MAX_CHANGES]],
            "moreChanges": max(0, len(one.changes) - _MAX_CHANGES),
        }

    def _masked(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {self._veil.text(name): self._masked(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._masked(one) for one in value]
        if not isinstance(value, str):
            return value
        # A secret with a wildcard in it stands there with the wildcard escaped.
        plain = _ESCAPED.sub(r"\1", value)
        shown = self._veil.text(plain, SESSION_POLICY_LIMIT)
        return value if shown == plain else shown


_shown: OrderedDict[tuple[str, ...], ShownSessions] = OrderedDict()


def sessions(place: ApiPlace, caller: Caller, approval: str, request: Request) -> dict[str, Any]:
    """Return some of the sessions that would carry an approval's plan out, with whose role they are.

    Raises:
        Refusal: there is no such approval for him, its plan cannot be read, or the offset is none.
    """
    case = place.asked_case(approval, caller)
    plan = shown_plan(place, case).plan
    offset = request.query.get("offset", "0")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 4):  # noqa: PLR2004 - a plan has up to 500
        raise Refusal(400, f"offset {offset[:40]!r} is no number of up to three digits")
    asked = case.request
    where = {"account": asked.account, "region": asked.region}
    try:
        role, found = _found(place, case, plan)
    except (ApplyRefused, PlanError) as error:
        why = Veil(plan).text(error, 900)
        return {**where, "role": "", "sessions": [], "next": None, "why": why, "limit": SESSION_POLICY_LIMIT}
    return {**where, "role": role, **found.page(int(offset))}


def _found(place: ApiPlace, case: Case, plan: Plan) -> tuple[str, ShownSessions]:
    """Return the role that the broker would assume, and its sessions; raises ApplyRefused and PlanError."""
    partition = place.environ["PARTITION"]
    # Without STS: this function shows sessions, and has none.
    roles = Sessions(None, _no_client, partition=partition, prefix=place.environ["PREFIX"])
    grounds = Grounds(place.settings, roles, place.clients.s3, place.bucket, partition)
    asker = grounds.asker_of(case)
    settings = grounds.apply_settings(asker, plan, case.asked.bundle)
    role = roles.role_arn(asker.account, asker.requester.agent, "apply")
    # All that the sessions are made from: the plan and its stored version, the role, the account, the Region, settings.
    known = (plan.digest, case.asked.bundle.digest, case.asked.bundle.version, role, repr(settings))
    if known not in _shown:
        _shown[known] = ShownSessions(plan, each_session(plan, settings))
        if len(_shown) > _KEPT:
            _shown.popitem(last=False)
    _shown.move_to_end(known)
    return role, _shown[known]


def _no_client(*_: object, **__: object) -> NoReturn:
    message = "the page's function makes no session"
    raise TypeError(message)
