"""Rows for an auditor: who did what, when, why, and on which proof.

A row is plain text for CSV, JSON or HTML; who writes these escapes it (a cell of a spreadsheet that begins with ``=``,
``+``, ``-`` or ``@`` is a formula to it). A row never has a plan's values, only its digest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.moments import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sudo_mcp_guardrails.approval.evidence import Record

MAX_CELL: Final = 2_000
"""Longest text of a cell; what is longer ends in an ellipsis."""
_WHAT: Final = (
    "verdict",
    "action",
    "delegate",
    "starts",
    "ends",
    "ended",
    "lent",
    "rule",
    "execution",
    "outcome",
    "notice",
    "what",
    "result",
    "to",
    "risk",
    "environment",
    "approvalDigest",
    "planDigest",
    "fingerprint",
)
_WHY: Final = ("comment", "reason", "reasons", "detail", "ticket")
_PROOF: Final = ("kind", "issuer", "authTime", "amr", "mfaAge", "boundDigest", "userVerified", "credential")
_BEHIND: Final = ("agent", "run", "person", "owner", "security", "onBehalfOf", "delegator", "by")
_NESTED: Final = ("statement", "requester", "proxy", "delegation", "proof")
_DEPTH: Final = 4


@dataclass(frozen=True)
class AuditRow:
    """One record, as an auditor reads it.

    Attributes:
        chain: the approval's id.
        number: of the record.
        when: UTC, ``2026-11-23T10:00:05Z``.
        who: did it.
        kind: of the record.
        what: was done, such as ``verdict=approve; planDigest=…``.
        why: the comment, the reasons, the ticket.
        on_behalf_of: the run, the person and the owner behind it, or whom he stood in for.
        proof: how the person proved to be there, such as ``kind=webauthn; boundDigest=…``; empty where nobody had to.
        digest: of the record, which is signed.
        key_id: of the key that signed it.
    """

    chain: str
    number: int
    when: str
    who: str
    kind: str
    what: str
    why: str
    on_behalf_of: str
    proof: str
    digest: str
    key_id: str

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Return the columns' names, in their order."""
        return tuple(field.name for field in fields(cls))

    def values(self) -> tuple[str, ...]:
        """Return the cells, in the order of the columns."""
        return tuple(str(getattr(self, name)) for name in self.columns())


def audit_rows(records: Iterable[Record]) -> Iterator[AuditRow]:
    """Yield a row for each record, in the order that they come in.

    Verify the chain first: rows say what records say.
    """
    for record in records:
        parts = list(_parts(record.body, 0))
        factors = [part["factor"] for part in parts if isinstance(part.get("factor"), dict)]
        yield AuditRow(
            chain=record.chain,
            number=record.number,
            when=written(record.time),
            who=record.who,
            kind=record.kind,
            what=_cell(_WHAT, parts),
            why=_cell(_WHY, parts),
            on_behalf_of=_cell(_BEHIND, parts),
            proof=_cell(_PROOF, factors),
            digest=record.digest,
            key_id=record.key_id,
        )


def _parts(body: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield a body, and the objects in it that say who, what and why."""
    yield body
    if depth < _DEPTH:
        for name in _NESTED:
            if isinstance(body.get(name), dict):
                yield from _parts(body[name], depth + 1)


def _cell(names: Iterable[str], parts: Iterable[Mapping[str, Any]]) -> str:
    found: dict[str, str] = {}
    for part in parts:
        for name in names:
            text = _text(part.get(name))
            if text:
                found.setdefault(name, text)
    cell = "; ".join(f"{name}={found[name]}" for name in names if name in found)
    return cell if len(cell) <= MAX_CELL else cell[: MAX_CELL - 1] + "…"


def _text(value: object) -> str:
    """Return a value in one line; empty for what is none, and for objects."""
    if isinstance(value, (list, tuple)):
        return ", ".join(filter(None, (_text(item) for item in value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split()) if isinstance(value, (str, int)) else ""
