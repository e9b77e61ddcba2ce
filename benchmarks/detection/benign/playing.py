"""Plays sessions, one after the other, and reads back what the trail delivered of them."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign import work_of_agents as agents
from benchmarks.detection.benign.actors import ACTORS
from benchmarks.detection.benign.agents import ACCOUNT, APPROVAL_ROLE, MCP
from benchmarks.detection.benign.caller import MARK, Work
from benchmarks.detection.benign.trail import delivered
from benchmarks.detection.benign.world import PEOPLE_ROLES, SERVICE_ROLES
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.benign.caller import Caller

_SETTLE: Final = 2.0
"""Seconds; the embedded CloudTrail delivers half a second after a call."""
_ULID: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class Played:
    """One session, as it was made.

    Attributes:
        number: of the session, as its events are marked with.
        actor: place in :data:`~.actors.ACTORS`.
        name: of the session: whose.
        events: what CloudTrail wrote, in order.
    """

    number: int
    actor: int
    name: str
    events: list[dict[str, Any]]


def play(caller: Caller, seed: int, calls: int, report: Callable[[str], None]) -> list[Played]:
    """Play sessions until so many calls are made; return them with their events.

    Args:
        caller: makes the calls.
        seed: decides who does what.
        calls: how many, at least.
        report: told how far it is.
    """
    draw = random.Random(seed)  # noqa: S311 - made-up work, no secret
    played: list[Played] = []
    keys: dict[str, int] = {}
    users: dict[str, dict[str, Any]] = {}
    shares = [actor.share for actor in ACTORS]
    while caller.calls < calls:
        place = draw.choices(range(len(ACTORS)), shares)[0]
        actor = ACTORS[place]
        one = Played(len(played), place, draw.choice(actor.names), [])
        played.append(one)
        _session(Work(caller, draw, one.number), one, users, keys)
        if len(played) % 200 == 0:
            report(f"{len(played)} sessions, {caller.calls} calls")
            caller.aws.check_alive()
    caller.session = ""
    caller.use(None)
    time.sleep(_SETTLE)
    _collect(caller, played, keys)
    return played


def _session(work: Work, one: Played, users: dict[str, dict[str, Any]], keys: dict[str, int]) -> None:
    caller, actor = work.caller, ACTORS[one.actor]
    caller.session, caller.mcp = "", False
    caller.use(None)
    credentials: dict[str, Any]
    script = (
        work.draw.choices([s for s, _ in actor.scripts], [p for _, p in actor.scripts])[0] if actor.scripts else None
    )
    if actor.agent and actor.capability in {"read", "plan"}:
        credentials = caller.ask_broker(
            {"agent": actor.agent, "capability": actor.capability, "ticket": f"OPS-{one.number}"}
        )
        caller.mcp = actor.agent in MCP
    elif actor.agent and actor.capability == "apply":
        # Another session planned it; what the approval workflow does in between is not played here.
        caller.use(caller.ask_broker({"agent": actor.agent, "capability": "plan", "ticket": f"OPS-{one.number}"}))
        caller.session = str(one.number)
        made = agents.prepare(actor.agent, work)
        caller.session = ""
        caller.use(None)
        credentials = _approved(caller, actor.agent, one.number, work.draw)
        script = agents.apply(made)
    elif actor.user:
        credentials = users.get(actor.user) or caller.call("iam", "create_access_key", UserName=actor.user)["AccessKey"]
        users[actor.user] = credentials
    else:
        path = PEOPLE_ROLES.get(actor.role) or (
            f"/aws-service-role/{SERVICE_ROLES[actor.role]}.amazonaws.com/" if actor.role in SERVICE_ROLES else "/"
        )
        credentials = caller.assume(f"arn:aws:iam::{ACCOUNT}:role{path}{actor.role}", one.name)
    if script is None:
        raise GuardrailsError(f"actor {actor.name!r} has no script, expected one")
    keys[credentials["AccessKeyId"]] = one.number
    caller.use(credentials)
    caller.session = str(one.number)
    script(work)


def _approved(caller: Caller, agent: str, number: int, draw: random.Random) -> dict[str, Any]:
    """Return an apply session, minted as the approval workflow does."""
    approver = caller.assume(f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/{APPROVAL_ROLE}", "workflow")
    caller.use(approver)
    run = "run-01" + "".join(draw.choices(_ULID, k=24))
    tags = {"agent": agent, "run": run, "ticket": f"OPS-{number}", "capability": "apply",
            "plan-digest": f"sha256-{draw.getrandbits(64):x}", "caller": "rita"}  # fmt: skip
    caller.session = str(number)
    return caller.assume(
        f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/{agent}/mcp-guardrails-{agent}-apply", run,
        SourceIdentity=run, Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )  # fmt: skip


def _collect(caller: Caller, played: list[Played], keys: dict[str, int]) -> None:
    """Give each session its events: by the mark; the broker's own minting by the key that it minted."""
    for event in delivered(caller.aws):
        _, mark, number = str(event.get("userAgent", "")).partition(MARK)
        if mark:
            played[int(number)].events.append(event)
            continue
        minted = ((event.get("responseElements") or {}).get("credentials") or {}).get("accessKeyId")
        by_root = str(event["userIdentity"].get("arn", "")).endswith(":root")
        if minted in keys and not by_root:
            played[keys[minted]].events.insert(0, event)
