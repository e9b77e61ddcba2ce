"""``mcp-guardrails approvals approve`` and ``refuse``: one decision, with a sign-in for just this one.

An agent may sit at the terminal, or run this command: what it lacks is the person's second factor. The first sign-in
shows the approval; the second is asked for with the decision's challenge as its ``nonce``, so that the token proves
this decision and no other. The challenge is computed here and compared: the API can have nobody sign something else.
Where the identity provider does not say how somebody signed in (Cognito), the page's link is printed instead, for a
passkey, and the decision is waited for. An IAM user shows a code of his MFA device instead of signing in; no other
session of his is taken, and the code is bound to nothing (see :mod:`~sudo_mcp_guardrails.cli.approvals.iam_user`).

Summary keys: those of ``approvals show``, and ``verdict``, ``counted``, ``refused`` (why it was not taken; empty where
it was). The exit code is 0 where the decision counts, 1 where it is refused, 2 where none was made.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.cli.approvals.api import REFUSED, ApiError
from sudo_mcp_guardrails.cli.approvals.reaching import (
    AllOption,
    CodeOption,
    Entrance,
    IdArgument,
    PortOption,
    ProfileOption,
    UrlOption,
    approval_path,
    reach,
)
from sudo_mcp_guardrails.cli.approvals.reading import checked, summary_of, tell
from sudo_mcp_guardrails.cli.approvals.signin import REDIRECT_PORT
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.approvals.reaching import Reached

_LAST: Final = 8
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_PAUSE: Final = 10

CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why, for the record.")]
DigestOption = Annotated[
    str | None,
    typer.Option(
        "--digest",
        metavar="HEX",
        help="The approval digest that you decide about; without, its last 8 digits are asked.",
    ),
]
BreakGlassOption = Annotated[
    bool,
    typer.Option("--break-glass", help="Decide alone, and outside of the calendar; all are told. Needs --comment."),
]
BehalfOption = Annotated[str, typer.Option("--on-behalf-of", metavar="DELEGATION", help="Delegation that you act by.")]
WaitOption = Annotated[
    int, typer.Option("--wait", min=10, max=3600, help="Seconds to wait for a decision by passkey on the page.")
]


@dataclass(frozen=True)
class _Wish:
    """What somebody wants to decide."""

    verdict: str
    comment: str
    digest: str | None
    wait: int
    break_glass: bool = False
    on_behalf_of: str = ""


def approve(
    approval: IdArgument,
    *,
    comment: CommentOption = "",
    digest: DigestOption = None,
    break_glass: BreakGlassOption = False,
    on_behalf_of: BehalfOption = "",
    everything: AllOption = False,
    wait: WaitOption = 300,
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    profile: ProfileOption = "",
    mfa_code: CodeOption = "",
    as_json: JsonOption = False,
) -> None:
    """Approve what is shown, and nothing else, by a fresh sign-in."""
    wish = _Wish("approve", comment, digest, wait, break_glass, on_behalf_of)
    _decide(approval, wish, Entrance(url, redirect_port, profile, mfa_code), everything=everything, as_json=as_json)


def refuse(
    approval: IdArgument,
    *,
    comment: CommentOption = "",
    digest: DigestOption = None,
    on_behalf_of: BehalfOption = "",
    everything: AllOption = False,
    wait: WaitOption = 300,
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    profile: ProfileOption = "",
    mfa_code: CodeOption = "",
    as_json: JsonOption = False,
) -> None:
    """Refuse what is shown, by a fresh sign-in."""
    wish = _Wish("refuse", comment, digest, wait, on_behalf_of=on_behalf_of)
    _decide(approval, wish, Entrance(url, redirect_port, profile, mfa_code), everything=everything, as_json=as_json)


def _decide(approval: str, wish: _Wish, entrance: Entrance, *, everything: bool, as_json: bool) -> None:
    with answering(as_json=as_json) as answer:
        path = approval_path(approval)
        _check(wish, as_json=as_json)
        reached = reach(entrance, answer)
        seen = checked(reached.get(path), approval)
        if seen["you"]["identity"] != reached.session.identity:
            raise InputError(f"the API takes you for {seen['you']['identity']!r}, who did not sign in here")
        tell(answer, reached, seen, everything=everything)
        if not seen["token"]:
            _finish(answer, wish, seen, refused=f"it is {seen['status']['state']}: {seen['status']['because']}")
            return
        _confirm(seen, wish, answer)
        # A look is good for one decision and for five minutes, and somebody who reads takes longer: a new one.
        digest = seen["approvalDigest"]
        seen = checked(reached.get(path), approval)
        if seen["approvalDigest"] != digest:
            raise InputError(f"approval {approval!r} has another digest than was shown: nothing was decided")
        try:
            if reached.session.says_how and reached.session.factor in seen["you"]["factors"]:
                _by_sign_in(reached, path, seen, wish)
            else:
                _by_page(answer, reached, path, seen, wish)
        except ApiError as error:
            if error.status not in REFUSED:
                raise
            _finish(answer, wish, seen, refused=str(error))
            return
        _finish(answer, wish, checked(reached.get(path), approval))


def _check(wish: _Wish, *, as_json: bool) -> None:
    if wish.digest is not None and not _HEX.fullmatch(wish.digest):
        raise InputError(f"--digest {wish.digest[:80]!r} is none, expected 64 hexadecimal digits")
    if wish.digest is None and (as_json or not sys.stdin.isatty()):
        raise InputError("nobody can be asked for the digest's last digits, expected --digest")
    if wish.break_glass and not wish.comment.strip():
        raise InputError("--break-glass needs --comment, expected why it cannot wait")


def _confirm(seen: dict[str, Any], wish: _Wish, answer: Answer) -> None:
    """Make sure that it is this approval that is meant; raises InputError."""
    digest = seen["approvalDigest"]
    if wish.digest is not None:
        if wish.digest != digest:
            raise InputError(f"--digest is not this approval's, which is {digest}: nothing was decided")
        return
    verb = wish.verdict
    typed = answer.progress.input(f"to {verb} it, type the last {_LAST} digits of the approval digest: ").strip()
    if typed.lower() != digest[-_LAST:]:
        raise InputError("these are not the last digits of the approval digest: nothing was decided")


def _by_sign_in(reached: Reached, path: str, seen: dict[str, Any], wish: _Wish) -> None:
    """Decide by a token that is bound to the decision; raises ApiError."""
    body = {
        "verdict": wish.verdict,
        "comment": wish.comment.replace("\r\n", "\n").strip(),
        "token": seen["token"],
        "breakGlass": wish.break_glass,
        "onBehalfOf": wish.on_behalf_of,
        "approvalDigest": seen["approvalDigest"],
        "planDigest": seen["planDigest"],
    }
    challenge = reached.post(f"{path}/challenge", body)["challenge"]
    if challenge != _challenge(seen, body):
        raise InputError("the API asks for a signature over something else than this decision: nothing was decided")
    reached.post(f"{path}/decision", body, reached.again(challenge))


def _challenge(seen: dict[str, Any], body: dict[str, Any]) -> str:
    from sudo_mcp_guardrails.approval.deciding.decision import Statement, Verdict

    stated = Statement(
        seen["approval"],
        seen["approvalDigest"],
        seen["planDigest"],
        seen["you"]["identity"],
        Verdict(body["verdict"]),
        hashlib.sha256(body["token"].encode()).hexdigest(),
        body["comment"],
        on_behalf_of=body["onBehalfOf"],
        break_glass=body["breakGlass"],
    )
    return stated.challenge


def _by_page(answer: Answer, reached: Reached, path: str, seen: dict[str, Any], wish: _Wish) -> None:
    """Have the decision made on the page, by a passkey, and wait for its record; raises ApiError."""
    page = reached.page.rstrip("/")
    answer.report("this sign-in does not say how you signed in, so it proves no second factor")
    answer.report(f"decide with your passkey here: {page}/#/approvals/{seen['approval']}")
    known = max((each["number"] for each in seen["history"]), default=0)
    until = time.monotonic() + wish.wait
    while time.monotonic() < until:
        time.sleep(min(_PAUSE, wish.wait))
        found = reached.get(path)
        for each in found["history"]:
            mine = each["number"] > known and each["who"] == seen["you"]["identity"]
            if mine and each["kind"] == "decision":
                if f"verdict={wish.verdict}" in each["what"].split("; "):
                    return
                raise ApiError(409, f"another verdict was decided on the page: {each['what']}")
        if found["status"]["final"]:
            raise ApiError(409, f"it is {found['status']['state']}: {found['status']['because']}")
    raise InputError(f"no decision came within {wish.wait} seconds")


def _finish(answer: Answer, wish: _Wish, seen: dict[str, Any], *, refused: str = "") -> None:
    from sudo_mcp_guardrails.cli.approvals.printing import line

    status = seen["status"]
    if refused:
        line(answer, f"refused: {refused}")
    else:
        line(answer, f"{wish.verdict}: on record, and it counts; the approval is {status['state']}")
        for each in status["missing"]:
            line(answer, f"missing: {each}")
    summary = {**summary_of(seen), "verdict": wish.verdict, "counted": not refused, "refused": refused}
    answer.finish(ok=not refused, summary=summary)
