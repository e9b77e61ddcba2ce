"""``mcp-guardrails approvals delegate``: let somebody decide in your place, list what was lent to you, or end it.

``delegate IDENTITY --until … --reason …`` takes a fresh sign-in for just this, as a decision does; it lends what the
delegator's own groups allow, or those of ``--group``, and nothing that was lent to him. ``--end ID``, for either of the
two, takes none: it only takes rights away. Without both, what you may decide under now is listed; ``delegations`` lists
what you lent as well.

Summary keys: ``did`` (``listed``, ``made``, ``ended`` or ``refused``), ``delegation`` (the id; empty for a list),
``refused``, ``delegations`` (items). Items: ``id``, ``delegator``, ``delegate``, ``starts``, ``ends``, ``groups``
(empty for all of the delegator's), ``reason``; of a list those that hold now, or the one that was made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.cli.approvals.api import ApiError
from sudo_mcp_guardrails.cli.approvals.printing import line, table
from sudo_mcp_guardrails.cli.approvals.reaching import CodeOption, Entrance, PortOption, ProfileOption, UrlOption, reach
from sudo_mcp_guardrails.cli.approvals.signin import REDIRECT_PORT
from sudo_mcp_guardrails.cli.approvals.stating import refusal, state
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.approvals.reaching import Reached
    from sudo_mcp_guardrails.cli.output import Answer

_PATH: Final = "api/delegations"
_ID: Final = re.compile(r"[0-9a-f]{32}\.[0-9a-f]{16}", re.ASCII)
_DAY_ONLY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAY: Final = 86_400
_SHOWN: Final = ("id", "delegator", "delegate", "starts", "ends", "groups", "reason")


def delegate(
    identity: Annotated[
        str,
        typer.Argument(metavar="IDENTITY", help="Who is to decide, by a name that the policy has.", show_default=False),
    ] = "",
    *,
    until: Annotated[
        str,
        typer.Option(
            "--until", metavar="DAY|TIME", help="2026-12-01, to the end of that day in UTC, or with T17:00:00Z."
        ),
    ] = "",
    since: Annotated[
        str, typer.Option("--from", metavar="DAY|TIME", help="From when; the day's beginning. Default: now.")
    ] = "",
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="NAME", help="Lend this group alone; repeatable. Default: all of yours."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; for the record.")] = "",
    end: Annotated[str, typer.Option("--end", metavar="ID", help="End this delegation, from you or to you.")] = "",
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    profile: ProfileOption = "",
    mfa_code: CodeOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let somebody decide in your place for a while, list what was lent to you, or end it."""
    with answering(as_json=as_json) as answer:
        wish = _wish(identity, since, until, group or [], reason)
        if end and (wish or not _ID.fullmatch(end)):
            raise InputError(
                f"--end {end[:80]!r} goes alone, expected the id of a delegation: 32 and 16 hexadecimal digits"
            )
        reached = reach(Entrance(url, redirect_port, profile, mfa_code), answer)
        if wish:
            _lend(answer, reached, wish)
        elif end:
            _end(answer, reached, end)
        else:
            _list(answer, reached)


def _wish(identity: str, since: str, until: str, groups: list[str], reason: str) -> dict[str, Any]:
    """Return what is to be stated; empty where nothing is to be lent.

    Raises:
        InputError: something is missing, or more than goes together.
        DecisionError: a time or a group is none.
    """
    from sudo_mcp_guardrails.approval.bounds import check_name, check_names, check_text

    if not identity:
        if since or until or groups or reason:
            raise InputError("--from, --until, --group and --reason go with IDENTITY, expected who is to decide")
        return {}
    if not until or not reason.strip():
        raise InputError("a delegation needs --until and --reason, expected both: there is none without an end")
    check_name("delegate", identity)
    check_names("groups", groups)
    check_text("reason", reason)
    starts = _time(since, last=False) if since else ""
    return {"delegate": identity, "starts": starts, "ends": _time(until, last=True), "reason": reason, "groups": groups}


def _time(text: str, *, last: bool) -> str:
    """Return a time as the API has it: of a day its beginning, or what comes after its last second."""
    from sudo_mcp_guardrails.approval.moments import moment, written

    if _DAY_ONLY.fullmatch(text):
        return written(moment(f"{text}T00:00:00Z") + (_DAY if last else 0))
    return written(moment(text))


def _lend(answer: Answer, reached: Reached, wish: dict[str, Any]) -> None:
    """Make a delegation; raises InputError, ApiError."""
    groups = ", ".join(wish["groups"]) or "all of your groups"
    answer.report(f"you lend {groups} to {wish['delegate']}, from {wish['starts'] or 'now'} until {wish['ends']}")
    found, refused = state(
        answer,
        reached,
        wish,
        asked_at=f"{_PATH}/challenge",
        stated_at=_PATH,
        challenge=lambda stated: _challenge(reached, stated),
    )
    if refused:
        _finish(answer, "refused", refused=refused)
        return
    made = found["delegation"]
    _finish(answer, "made", [made], made["id"])


def _challenge(reached: Reached, stated: dict[str, Any]) -> str:
    from sudo_mcp_guardrails.approval.authentication.stated import DELEGATION_KIND
    from sudo_mcp_guardrails.approval.canonical import digest

    return digest(DELEGATION_KIND, {**stated, "delegator": reached.session.identity})


def _end(answer: Answer, reached: Reached, name: str) -> None:
    """Take a delegation back; raises ApiError."""
    try:
        reached.post(f"{_PATH}/{name}/end", {})
    except ApiError as error:
        _finish(answer, "refused", name=name, refused=refusal(answer, error))
        return
    line(answer, f"ended: {name}")
    _finish(answer, "ended", name=name)


def _list(answer: Answer, reached: Reached) -> None:
    """List what was lent to who asks; raises ApiError."""
    _finish(answer, "listed", reached.get(_PATH)["delegations"])


def _finish(
    answer: Answer, did: str, found: list[dict[str, Any]] | None = None, name: str = "", refused: str = ""
) -> None:
    items = [{each: one[each] for each in _SHOWN} for one in found or []]
    if found is not None:
        table(
            answer,
            _SHOWN,
            [[", ".join(one["groups"]) if each == "groups" else one[each] for each in _SHOWN] for one in items],
        )
    summary = {"did": did, "delegation": name, "refused": refused, "delegations": len(items)}
    answer.finish(ok=not refused, summary=summary, items=items)
