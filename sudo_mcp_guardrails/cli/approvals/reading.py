"""``mcp-guardrails approvals list`` and ``show``: what is to be decided, and one of it with all that there is to know.

Each run takes a sign-in: no token is kept. ``show`` is on record, as a look at the page is.

Summary keys of ``list``: ``approvals``, ``state``, ``more`` (whether the API has further ones). Items: ``approval``,
``state``, ``agent``, ``environment``, ``risk``, ``created``, ``expires``, ``summary``. Summary keys of ``show``:
``approval``, ``state``, ``because``, ``missing``, ``agent``, ``environment``, ``risk``, ``expires``, ``plan_digest``,
``approval_digest``, ``changes``. Items: ``kind`` (``reason``, ``change``, ``pin``, ``unknown``, ``limit``, ``record``).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sudo_mcp_guardrails.cli.approvals.printing import approval as printed
from sudo_mcp_guardrails.cli.approvals.printing import items_of, table
from sudo_mcp_guardrails.cli.approvals.reaching import (
    AllOption,
    CodeOption,
    Entrance,
    IdArgument,
    PortOption,
    ProfileOption,
    UrlOption,
    approval_path,
    changes_of,
    reach,
)
from sudo_mcp_guardrails.cli.approvals.signin import REDIRECT_PORT
from sudo_mcp_guardrails.cli.output import JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.approvals.reaching import Reached
    from sudo_mcp_guardrails.cli.output import Answer

_COLUMNS = ("approval", "state", "risk", "agent", "environment", "expires", "summary")


class ListedState(str, Enum):
    """Which approvals are listed."""

    OPEN = "open"
    ALL = "all"


def list_approvals(
    *,
    state: Annotated[ListedState, typer.Option("--state", help="Open ones, or all.")] = ListedState.OPEN,
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    profile: ProfileOption = "",
    mfa_code: CodeOption = "",
    as_json: JsonOption = False,
) -> None:
    """List what is to be decided."""
    with answering(as_json=as_json) as answer:
        found = reach(Entrance(url, redirect_port, profile, mfa_code), answer).get(f"api/approvals?state={state.value}")
        rows = found["approvals"]
        table(answer, _COLUMNS, [[each[name] or "" for name in _COLUMNS] for each in rows])
        answer.text.print(f"{len(rows)} approvals{', and more' if found['more'] else ''}")
        summary = {"approvals": len(rows), "state": state.value, "more": found["more"]}
        answer.finish(ok=True, summary=summary, items=rows)


def show(
    approval: IdArgument,
    *,
    everything: AllOption = False,
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    profile: ProfileOption = "",
    mfa_code: CodeOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what an approval is about, its risk and why, and what happened; it is recorded that you saw it."""
    with answering(as_json=as_json) as answer:
        path = approval_path(approval)
        reached = reach(Entrance(url, redirect_port, profile, mfa_code), answer)
        seen = checked(reached.get(path), approval)
        changes = tell(answer, reached, seen, everything=everything)
        answer.finish(ok=True, summary=summary_of(seen), items=items_of(seen, changes))


def tell(answer: Answer, reached: Reached, seen: dict[str, Any], *, everything: bool) -> list[dict[str, Any]]:
    """Print an approval, and return the changes that were printed."""
    changes = changes_of(reached, seen, everything=everything)
    if not answer.as_json:
        printed(answer, seen, changes, seen["changes"]["total"])
    return changes


def checked(seen: dict[str, Any], approval: str) -> dict[str, Any]:
    """Return what the API shows, once its digests are those of the request that it shows.

    Raises:
        InputError: they are not: what is approved would be something else than what was read.
    """
    from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest
    from sudo_mcp_guardrails.cli.errors import InputError

    request = ApprovalRequest.from_document(seen["request"])
    held = (
        request.id == approval == seen["approval"],
        approval_digest(request) == seen["approvalDigest"],
        request.plan_digest == seen["planDigest"] == seen["proof"]["planDigest"],
    )
    if not all(held):
        raise InputError(f"what the API shows of {approval!r} has another digest than it says: nothing was decided")
    return seen


def summary_of(seen: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of an approval."""
    request, status = seen["request"], seen["status"]
    return {
        "approval": seen["approval"],
        "state": status["state"],
        "because": status["because"],
        "missing": status["missing"],
        "agent": request["requester"]["agent"],
        "environment": request["environment"],
        "risk": request["risk"],
        "expires": request["expires"],
        "plan_digest": seen["planDigest"],
        "approval_digest": seen["approvalDigest"],
        "changes": seen["changes"]["total"],
    }
