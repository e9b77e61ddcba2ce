"""Turns sessions that were really played into weeks of several accounts.

The embedded AWS sees every call at once, from one address. Here each session is given a place in a fortnight by its
actor's hours, its calls the pace of its actor, its address and program; and all of it is laid out once for each
account, with ids, keys, run ids, session owners, names and times of its own. What is called, with which answer, stays.
"""

from __future__ import annotations

import json
import random
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign import made_up
from benchmarks.detection.benign.actors import ACTORS, Hours, Pace
from benchmarks.detection.benign.agents import ACCOUNT, ACCOUNTS, MCP, REGION, REGIONS
from benchmarks.detection.benign.work_of_agents import execution_role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.detection.benign.actors import Actor
    from benchmarks.detection.benign.playing import Played

DAYS: Final = 14
START: Final = int(datetime(2026, 10, 5, tzinfo=timezone.utc).timestamp())
"""A Monday."""
_DAY: Final = 86_400
_WEEK: Final = 7
_SATURDAY: Final = 5
_KEY: Final = re.compile(r"\b(A[SK]IA|AROA|AIDA)[A-Z0-9]{8,20}\b")
_LSIA: Final = re.compile(r"\bLSIA[A-Z0-9]{8,20}\b")
_RUN: Final = re.compile(r"\brun-[0-9A-HJKMNP-TV-Z]{26}\b")
_NUMBER: Final = re.compile(r"(?<=[a-z0-9]-)0\d{5}\b")
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ULID: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LACKING: Final = frozenset({"InvalidAction", "InvalidInstanceId", "NotImplemented", "InternalError", "501", "500"})
"""Errors that the embedded AWS answers and AWS would not: the event is kept as one that went well."""
_GLOBAL: Final = frozenset({"iam.amazonaws.com", "route53.amazonaws.com", "cloudfront.amazonaws.com"})
_FEDERATED_PROGRAM: Final = "github-deploy"


def spread(played: Sequence[Played], seed: int, accounts: int) -> list[str]:
    """Return the events of all accounts as lines of JSON, by their time.

    Args:
        played: the sessions.
        seed: decides all of it.
        accounts: how many; the first uses of an account differ from its second ones in ids and times alike.
    """
    lines: list[tuple[str, int, str]] = []
    for copy in range(accounts):
        draw = random.Random(f"{seed} {copy}")  # noqa: S311 - made-up work, no secret
        one = _Copy(ACCOUNTS[copy % len(ACCOUNTS)], REGIONS[copy % len(REGIONS)], draw)
        for session in played:
            lines += [(event["eventTime"], len(lines) + number, made_up.compact(event))
                      for number, event in enumerate(one.session(session))]  # fmt: skip
    lines.sort()
    return [line for _, _, line in lines]


class _Copy:
    """One account's fortnight."""

    def __init__(self, account: str, region: str, draw: random.Random) -> None:
        self._account, self._region, self._draw = account, region, draw
        self._ids: dict[str, str] = {}
        self._shift = draw.randrange(100_000, 900_000)

    def session(self, session: Played) -> Iterator[dict[str, Any]]:
        """Yield a session's events, with what goes with them."""
        actor = ACTORS[session.actor]
        if not session.events:
            return
        draw = self._draw
        name = draw.choice(actor.names)
        address = (
            actor.addresses[actor.names.index(name)]
            if len(actor.names) == len(actor.addresses)
            else draw.choice(actor.addresses)
        )
        begin = _begin(actor, draw)
        signed_in = begin - draw.randint(5, 9_000) if actor.kind == "people" else begin - 2
        events = [self._changed(event, session.name, name) for event in session.events]
        time = float(begin)
        for event in events:
            time += _pause(actor.pace, draw)
            event["eventTime"] = _written(time)
            self._placed(event, actor, address, draw.choice(actor.programs), signed_in)
        first = events[0]
        yield from self._before(first, actor, signed_in)
        if actor.agent in MCP:
            minting = [event for event in events if event["eventName"] == "AssumeRole"]
            yield from minting
            yield from made_up.tool_calls([one for one in events if one not in minting], address, draw)
            return
        for event in events:
            yield event
            beside = made_up.decryption(event, draw)
            if beside is not None:
                yield beside
        if actor.kind == "services" and draw.random() < 0.3:  # noqa: PLR2004 - a part of them
            yield made_up.of_service(events[-1], draw)

    def _before(self, first: dict[str, Any], actor: Actor, signed_in: int) -> Iterator[dict[str, Any]]:
        """Yield how the session came to be."""
        if actor.agent and actor.capability != "execution":
            return  # the broker's own call is among the events
        role = str(first["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {}).get("arn", ""))
        found: list[dict[str, Any]] = []
        if actor.service:
            found.append(made_up.assumption(first, f"{actor.service}.amazonaws.com", role, self._draw))
        elif actor.kind == "people" and role:
            found.append(made_up.federation(first, role, self._draw, web=False))
        elif actor.role == _FEDERATED_PROGRAM:
            found.append(made_up.federation(first, role, self._draw, web=True))
        elif actor.role in {"orders-api", "orders-worker", "secret-rotation"}:
            found.append(made_up.assumption(first, "lambda.amazonaws.com", role, self._draw))
        elif actor.role == "web-instance":
            found.append(made_up.assumption(first, "ec2.amazonaws.com", role, self._draw))
        if actor.console:
            found.append(made_up.console_sign_in(first, self._draw, mfa=actor.mfa))
        for one in found:
            yield {**one, "eventTime": _written(signed_in)}

    def _changed(self, event: dict[str, Any], was: str, name: str) -> dict[str, Any]:
        """Return an event with this account's ids in place of those that it was played with."""
        text = json.dumps(event)
        text = text.replace(ACCOUNT, self._account).replace(REGION, self._region)
        text = _RUN.sub(lambda found: self._id(found[0], "run-", 26, _ULID), text)
        text = _KEY.sub(lambda found: self._id(found[0], found[1], 16, _LETTERS), text)
        text = _LSIA.sub(lambda found: self._id(found[0], "ASIA", 16, _LETTERS), text)
        text = _NUMBER.sub(lambda found: f"{int(found[0]) + self._shift:06}", text)
        if was not in {name, "session"}:
            text = text.replace(was, name)
        changed: dict[str, Any] = json.loads(text)
        if changed["eventSource"] in _GLOBAL:
            changed["awsRegion"] = "us-east-1"
        changed["eventID"], changed["requestID"] = made_up.uuid(self._draw), made_up.uuid(self._draw)
        if changed.get("errorCode") in _LACKING:
            del changed["errorCode"], changed["errorMessage"]
        return changed

    def _id(self, old: str, prefix: str, length: int, letters: str) -> str:
        if old not in self._ids:
            self._ids[old] = prefix + "".join(self._draw.choices(letters, k=length))
        return self._ids[old]

    def _placed(self, event: dict[str, Any], actor: Actor, address: str, program: str, signed_in: int) -> None:
        """Say where an event came from, and by what."""
        identity = event["userIdentity"]
        attributes = identity.get("sessionContext", {}).get("attributes")
        if attributes is not None:
            attributes["creationDate"] = _written(signed_in)
            attributes["mfaAuthenticated"] = "true" if actor.mfa else "false"
        elif actor.mfa:
            identity["sessionContext"] = {
                "attributes": {"creationDate": _written(signed_in), "mfaAuthenticated": "true"}
            }
        if event["eventName"] == "AssumeRole":  # by the broker's function, or the approval workflow's
            event["sourceIPAddress"], event["userAgent"] = (
                "198.51.100.9",
                "Boto3/1.44.5 md/Botocore#1.44.5 exec-env/AWS_Lambda_python3.13",
            )
            return
        event["sourceIPAddress"], event["userAgent"] = address, program
        if actor.console:
            event["sessionCredentialFromConsole"] = "true"
        by = made_up.MCP_SERVICE if actor.agent in MCP else f"{actor.service}.amazonaws.com" if actor.service else ""
        if by:
            identity["invokedBy"] = event["sourceIPAddress"] = event["userAgent"] = by
        if actor.capability == "execution":
            role = execution_role(actor.agent).replace(ACCOUNT, self._account)
            name = role.rpartition("/")[2]
            identity["arn"] = f"arn:aws:sts::{self._account}:assumed-role/{name}/AWSCloudFormation"
            identity["sessionContext"]["sessionIssuer"].update(arn=role, userName=name)


def _begin(actor: Actor, draw: random.Random) -> int:
    """Draw when a session begins: people at desks on weekdays, most before and after noon."""
    while True:
        day = draw.randrange(DAYS)
        weekend = day % _WEEK >= _SATURDAY
        if actor.hours is Hours.OFFICE:
            if weekend and draw.random() < 0.97:  # noqa: PLR2004 - seldom
                continue
            hour = draw.choice((draw.gauss(9.5, 1.2), draw.gauss(14.5, 1.5)))
        elif actor.hours is Hours.NIGHT:
            hour = draw.uniform(1, 4)
        else:
            hour = draw.uniform(0, 24) if draw.random() < 0.6 else draw.gauss(12, 3)  # noqa: PLR2004 - with the customers
        if 0 <= hour < 23.5:  # noqa: PLR2004 - a session ends on its day
            return START + day * _DAY + int(hour * 3600)


def _pause(pace: Pace, draw: random.Random) -> float:
    """Draw the seconds before a call."""
    if pace is Pace.BROWSER:
        return draw.uniform(15, 90) if draw.random() < 0.12 else draw.uniform(0, 0.4)  # noqa: PLR2004 - a page is read
    if pace is Pace.SHELL:
        return draw.uniform(3, 60)
    if pace is Pace.AGENT:
        return draw.uniform(4, 30) if draw.random() < 0.25 else draw.uniform(0.1, 1.5)  # noqa: PLR2004 - it thinks
    return draw.uniform(0.02, 0.8)


def _written(time: float) -> str:
    return datetime.fromtimestamp(int(time), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
