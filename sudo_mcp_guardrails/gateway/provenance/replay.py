"""Decide a recorded session again under other rules of taint: what would have needed a person, and what not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.provenance.errors import ProvenanceError
from sudo_mcp_guardrails.gateway.taint.facts import Argument, Facts, judged
from sudo_mcp_guardrails.gateway.taint.lattice import Origin, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RULES: Final = frozenset({"scope", "least", "bound", "links", "lock"})
_FLAGS: Final = ("writes", "guarded", "intent", "tainted", "inScope", "delegated", "follows", "tied")
_TAINT: Final = "taint."


@dataclass(frozen=True, slots=True)
class Replayed:
    """A call that was decided again.

    Attributes:
        session: Its id.
        call: Its number there.
        tool: Name of the tool.
        before: Identifiers of the reasons of taint that it was asked or denied for.
        now: The reason under the new rules; empty for none.
        elsewhere: Identifiers of the reasons of other checks, which stay.
    """

    session: str
    call: int
    tool: str
    before: tuple[str, ...]
    now: str
    elsewhere: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the new rules say otherwise."""
        return self.before != ((self.now,) if self.now else ())


def policy_of(document: object) -> Policy:
    """Read rules of taint.

    Raises:
        ProvenanceError: They are something else than an object of ``scope``, ``bound``, ``links``, ``lock`` (true or
            false) and ``least`` (an origin, or null).
    """
    if not isinstance(document, dict) or not _RULES.issuperset(document):
        raise ProvenanceError(
            f"rules are {str(document)[:80]!r}, expected an object with no fields but {sorted(_RULES)}"
        )
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name != "least":
            if not isinstance(value, bool):
                raise ProvenanceError(f"rule {name!r} is {value!r}, expected true or false")
            values[name] = value
        else:
            values[name] = None if value is None else _origin(value)
    return Policy(**values)


def replay(records: Iterable[dict[str, Any]], policy: Policy) -> Iterator[Replayed]:
    """Yield each recorded call with what the new rules say of it.

    Args:
        records: Bodies, as :func:`~sudo_mcp_guardrails.gateway.provenance.reading.read_log` returns them.
        policy: The new rules.

    Raises:
        ProvenanceError: A record does not hold what is needed.
    """
    for body in records:
        if body.get("kind") != "call":
            continue
        try:
            attributes, reasons = body["attributes"], [each["id"] for each in body["decision"]["reasons"]]
            found = judged(facts_of(body["facts"]), policy)
            yield Replayed(
                attributes["mcp.session.id"],
                body["call"],
                attributes["gen_ai.tool.name"],
                tuple(each for each in reasons if each.startswith(_TAINT)),
                _TAINT + found[0] if found else "",
                tuple(each for each in reasons if not each.startswith(_TAINT)),
            )
        except (KeyError, TypeError) as error:
            raise ProvenanceError(
                f"record of call {body.get('call')!r} lacks {error}: it cannot be replayed"
            ) from error


def facts_of(document: dict[str, Any]) -> Facts:
    """Read what is known of a call from its record."""
    arguments = tuple(
        Argument(each["path"], "", _origin(each["origin"]), each["authority"], each["strange"])
        for each in document["arguments"]
    )
    flags = {name: document[name] for name in _FLAGS}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ProvenanceError(f"{name} of a record is {value!r}, expected true or false")
    return Facts(
        writes=flags["writes"],
        guarded=flags["guarded"],
        intent=flags["intent"],
        tainted=flags["tainted"],
        in_scope=flags["inScope"],
        delegated=flags["delegated"],
        follows=flags["follows"],
        tied=flags["tied"],
        arguments=arguments,
    )


def _origin(text: object) -> Origin:
    names = {each.name.lower(): each for each in Origin}
    if not isinstance(text, str) or text not in names:
        raise ProvenanceError(f"origin {text!r} is not allowed, expected {', '.join(names)}")
    return names[text]
