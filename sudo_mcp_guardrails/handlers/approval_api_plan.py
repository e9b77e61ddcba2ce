"""The plan behind an approval, read from its bundle and shown masked, some changes at a time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.masking import masked
from sudo_mcp_guardrails.approval.plan import Form, Operation
from sudo_mcp_guardrails.approval.store.bundle import MAX_BUNDLE, Bundle
from sudo_mcp_guardrails.handlers.approval_api_diff import MAX_ALL_ROWS, MAX_ROWS, changed_rows
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Change, Plan
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace

PAGE_SIZE: Final = 50
"""Changes in one answer."""
_MAX_ANSWER: Final = 1_000_000
"""Characters of changes in one answer; a Lambda function's may have 6 MB."""
_MAX_LISTED: Final = 200
_KEPT: Final = 2
# What is to be seen first: what cannot be undone.
_ORDER: Final = (Operation.DELETE, Operation.REPLACE, Operation.CALL, Operation.UPDATE, Operation.IMPORT)


@dataclass(frozen=True)
class ShownPlan:
    """A plan whose digest is the approval's.

    Attributes:
        plan: itself.
    """

    plan: Plan

    @cached_property
    def _masked(self) -> dict[str, Any]:
        return masked(self.plan)

    @cached_property
    def _changes(self) -> list[tuple[Change, dict[str, Any]]]:
        """The changes with their masked documents: what deletes first, calls in their order."""
        by_id = {change.id: change for change in self.plan.changes}
        found = [(by_id[document["id"]], document) for document in self._masked["changes"]]
        if self.plan.form is Form.API_CALLS:
            return found
        order = {operation: number for number, operation in enumerate(_ORDER)}
        return sorted(found, key=lambda each: (order.get(each[0].operation, len(order)), each[0].type, each[0].id))

    def summary(self) -> dict[str, Any]:
        """Return what it is about as a whole, without its changes."""
        document = self._masked
        return {
            **{name: document[name] for name in ("form", "target", "account", "region", "artifact")},
            "operations": dict(Counter(change.operation.value for change in self.plan.changes).most_common()),
            "types": [list(each) for each in Counter(one.type for one in self.plan.changes).most_common(20)],
            "pins": document["pins"][:_MAX_LISTED],
            "unknown": document["unknown"][:_MAX_LISTED],
            "moreUnknown": max(0, len(document["unknown"]) - _MAX_LISTED),
            "parameters": {
                name: json.dumps(value, ensure_ascii=False, default=str)[:2_000]
                for name, value in islice(document["parameters"].items(), _MAX_LISTED)
            },
        }

    def changes(self, *, offset: int, find: str, operation: str) -> dict[str, Any]:
        """Return some changes.

        Args:
            offset: how many are left out.
            find: text that an id or a type has; empty for all.
            operation: of the changes; empty for all.
        """
        wanted = find.casefold()
        found = [
            each
            for each in self._changes
            if operation in {"", each[0].operation.value}
            and (wanted in each[0].id.casefold() or wanted in each[0].type.casefold())
        ]
        items: list[dict[str, Any]] = []
        size = 0
        for change, document in found[offset : offset + PAGE_SIZE]:
            item = _item(change, document, MAX_ROWS)
            size += len(json.dumps(item))
            if items and size > _MAX_ANSWER:
                break
            items.append(item)
        after = offset + len(items)
        return {
            "total": len(found),
            "offset": offset,
            "items": items,
            "next": after if after < len(found) else None,
        }

    def change(self, name: str) -> dict[str, Any]:
        """Return one change with all its properties; raises Refusal where there is none of this id."""
        for change, document in self._changes:
            if change.id == name:
                return _item(change, document, MAX_ALL_ROWS)
        raise Refusal(404, f"the plan has no change {name[:80]!r}")


_plans: OrderedDict[tuple[str, str], ShownPlan] = OrderedDict()


def shown_plan(place: ApiPlace, case: Case) -> ShownPlan:
    """Return the plan behind an approval, read anew from what was stored, with its digest computed again.

    Raises:
        Refusal: what is stored is not what is asked for: then there is nothing that somebody could decide about.
    """
    known = (case.asked.bundle.digest, case.request.plan_digest)
    if known not in _plans:
        _plans[known] = ShownPlan(_read(place, case))
        if len(_plans) > _KEPT:
            _plans.popitem(last=False)
    _plans.move_to_end(known)
    return _plans[known]


def _read(place: ApiPlace, case: Case) -> Plan:
    stored = case.asked.bundle
    answer = place.clients.s3.get_object(Bucket=place.bucket, Key=stored.key, VersionId=stored.version)
    text = answer["Body"].read(MAX_BUNDLE + 1)
    if hashlib.sha256(text).hexdigest() != stored.digest:
        raise Refusal(409, f"the plan in {stored.key} is another one than was judged: nothing is decided here")
    try:
        plan = Bundle.from_json(text).plan()
    except PlanError as error:
        raise Refusal(409, f"the plan cannot be read: {error}") from None
    if plan.digest != case.request.plan_digest:
        raise Refusal(409, f"the plan that is stored has digest {plan.digest}, asked for is {case.request.plan_digest}")
    return plan


def _item(change: Change, document: dict[str, Any], most: int) -> dict[str, Any]:
    found = changed_rows(change, document)
    rows: list[dict[str, Any]] = []
    size = 0
    for row in islice(found, most):
        rows.append(row.document())
        size += len(row.before or "") + len(row.after or "")
        if size > _MAX_ANSWER:
            break
    return {
        "id": change.id,
        "operation": change.operation.value,
        "type": change.type,
        "physicalId": change.physical_id,
        "account": change.account,
        "region": change.region,
        "actions": list(change.actions[:_MAX_LISTED]),
        "dependent": list(change.dependent[:_MAX_LISTED]),
        "changed": list(change.changed[:_MAX_LISTED]),
        "options": json.dumps(document["options"], ensure_ascii=False, default=str)[:4_000] if change.options else "",
        "rows": rows,
        "more": sum(1 for _ in found),
        "known": change.before is not None or change.after is not None,
    }
