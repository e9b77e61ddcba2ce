"""The kill switch: for each target one item of a table, and what it says about an agent.

Whoever mints a session or carries out an approved plan reads it first, each time. What cannot be read, is not
understood, or was written by another release counts as thrown: a switch that fails open is none.

The table's key is ``switch`` (S), which is the guardrails' name prefix, and ``target`` (S), so that one strongly
consistent query reads all there is (DynamoDB developer guide, "Read consistency"). A target that is not contained has
no item. No agent can write the table: its name has the guardrails' prefix, which the agents' SCPs and boundaries deny.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.state.targets import Target, TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1
"""Of the items that this release writes and reads."""
LEVELS: Final = ("K1", "K2", "K3", "K4")
"""The levels of containment; :mod:`sudo_mcp_guardrails.response.levels` says what each does."""
MAX_ITEMS: Final = 500
"""Items of one switch. More are never written, and count as thrown for everybody."""
MAX_TEXT: Final = 1_000
"""Characters of a reason, and of who threw the switch."""
_PAGES: Final = 20
_INCIDENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/=+@-]{0,127}")
_FIELDS: Final = frozenset({"switch", "target", "format", "level", "reason", "by", "at", "incident"})


class SwitchError(GuardrailsError):
    """A switch that cannot be thrown as it was given."""


@dataclass(frozen=True)
class Switch:
    """One thrown switch.

    Attributes:
        target: whom it is about.
        level: one of :data:`LEVELS`.
        reason: why, for people.
        by: ARN of who threw it.
        at: seconds since 1970.
        incident: id of the incident.

    Raises:
        SwitchError: a value is out of bounds.
    """

    target: Target
    level: str
    reason: str
    by: str
    at: int
    incident: str

    def __post_init__(self) -> None:
        """Validate."""
        where = f"of the switch for {self.target.key!r}"
        if self.level not in LEVELS:
            raise SwitchError(f"level {self.level[:40]!r} {where} is not known, allowed are {', '.join(LEVELS)}")
        for name in ("reason", "by"):
            value = getattr(self, name)
            if not (value.strip() and len(value) <= MAX_TEXT):
                raise SwitchError(f"{name} {where} has {len(value)} characters, allowed are 1 to {MAX_TEXT}")
        if not _INCIDENT.fullmatch(self.incident):
            raise SwitchError(
                f"incident {self.incident[:80]!r} {where} is no id, allowed: 1 to 128 letters, digits and any of "
                "_.:/=+@-"
            )
        if self.at < 0:
            raise SwitchError(f"time {self.at} {where} is before 1970, allowed: seconds since then")

    def item(self, switch: str) -> dict[str, Any]:
        """Return the item of the table, as DynamoDB takes it.

        Args:
            switch: Name prefix of the guardrails.
        """
        text = {"switch": switch, "target": self.target.key, "level": self.level, "reason": self.reason}
        text |= {"by": self.by, "incident": self.incident}
        return {name: {"S": value} for name, value in text.items()} | {
            "format": {"N": str(FORMAT)},
            "at": {"N": str(self.at)},
        }


@dataclass(frozen=True)
class Verdict:
    """Whether an agent may have a session, or have a plan carried out.

    Attributes:
        allowed: whether it may.
        reason: why not, in one line for the log; empty where it may. Not for the agent.
        level: of the switch that says no; empty where it may, or where the switch was not understood.
        incident: id of the incident, likewise.
    """

    allowed: bool
    reason: str = ""
    level: str = ""
    incident: str = ""


@dataclass(frozen=True)
class KillSwitch:
    """What the table said when it was read. It is not kept: each decision reads anew.

    Attributes:
        thrown: the switches.
        unreadable: why nothing is known, in one line; then everybody is contained. Empty where all is known.
    """

    thrown: tuple[Switch, ...] = ()
    unreadable: str = ""

    @classmethod
    def reading(cls, client: Any, table: str, switch: str) -> KillSwitch:  # noqa: ANN401 - of boto3
        """Read the table; raises nothing, since what cannot be read is an answer.

        Args:
            client: boto3's low-level client of DynamoDB.
            table: its name; key ``switch`` (S) and ``target`` (S).
            switch: Name prefix of the guardrails.
        """
        if not table:
            return cls(unreadable="no table of the kill switch is named")
        try:
            items = _items(client, table, switch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            return cls(unreadable=f"the kill switch cannot be read: {type(error).__name__}")
        if len(items) > MAX_ITEMS:
            return cls(unreadable=f"the kill switch has more than {MAX_ITEMS} items")
        found, strange = [], ""
        for item in items:
            try:
                found.append(read_item(item, switch))
            except (SwitchError, TargetError) as error:  # noqa: PERF203 - one bad item must not hide the others
                strange = strange or f"an item of the kill switch is not understood: {error}"
        return cls(tuple(found), strange)

    def allows(self, agent: str) -> Verdict:
        """Return whether an agent is contained.

        Args:
            agent: Its name.
        """
        covering = [switch for switch in self.thrown if switch.target.covers(agent)]
        if covering:
            # The highest level says most about why.
            switch = max(covering, key=lambda found: (found.level, found.at))
            return Verdict(
                allowed=False,
                reason=f"{switch.target.key} is contained at {switch.level}",
                level=switch.level,
                incident=switch.incident,
            )
        if self.unreadable:
            return Verdict(allowed=False, reason=self.unreadable)
        return Verdict(allowed=True)


def read_item(item: object, switch: str) -> Switch:
    """Read one item of the table.

    Args:
        item: As DynamoDB returns it.
        switch: Name prefix of the guardrails.

    Raises:
        SwitchError: It is none of this release's.
        TargetError: Its target is none.
    """
    if not isinstance(item, dict) or set(item) != _FIELDS:
        names = ", ".join(sorted(map(str, item))[:12]) if isinstance(item, dict) else type(item).__name__
        raise SwitchError(f"item with {names[:200]} is no switch, allowed are exactly {', '.join(sorted(_FIELDS))}")
    if _number(item, "format") != FORMAT:
        raise SwitchError(f"format {_number(item, 'format')} of a switch is not known, allowed is {FORMAT}")
    if _text(item, "switch") != switch:
        raise SwitchError(f"switch {_text(item, 'switch')[:40]!r} is another one, allowed is {switch!r}")
    return Switch(
        target=Target.parse(_text(item, "target")),
        level=_text(item, "level"),
        reason=_text(item, "reason"),
        by=_text(item, "by"),
        at=_number(item, "at"),
        incident=_text(item, "incident"),
    )


def _items(client: Any, table: str, switch: str) -> list[object]:  # noqa: ANN401 - of boto3
    found: list[object] = []
    start: dict[str, Any] = {}
    for _ in range(_PAGES):
        page = client.query(
            TableName=table,
            ConsistentRead=True,
            KeyConditionExpression="#switch = :switch",
            ExpressionAttributeNames={"#switch": "switch"},
            ExpressionAttributeValues={":switch": {"S": switch}},
            **start,
        )
        items = page["Items"]
        if not isinstance(items, list):
            raise SwitchError(f"items of table {table!r} are a {type(items).__name__}, allowed is a list")
        found += items
        following = page.get("LastEvaluatedKey")
        if not following or len(found) > MAX_ITEMS:
            return found
        start = {"ExclusiveStartKey": following}
    raise SwitchError(f"table {table!r} has more than {_PAGES} pages, allowed are {_PAGES}")


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item[name].get("S") if isinstance(item[name], dict) else None
    if not isinstance(value, str):
        raise SwitchError(f"{name} of a switch is no text, allowed: an attribute of type S")
    return value


def _number(item: Mapping[str, Any], name: str) -> int:
    value = item[name].get("N") if isinstance(item[name], dict) else None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,12}", value):
        raise SwitchError(f"{name} of a switch is no number, allowed: an attribute of type N with 1 to 12 digits")
    return int(value)
