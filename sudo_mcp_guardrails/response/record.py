"""The restore record: what was there before, so that a containment can be undone, and who contained whom and why.

It is versioned JSON with one text for each content and the SHA-256 of that content in it. Every change is a new
revision that names the digest of the one before: nothing is overwritten, and the first state that was recorded of a
place stays. The digest shows damage and mix-ups. Against somebody who can write records it is the store that protects
(an object lock), and the digest that the responder wrote down elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import canonical, digest, parsed
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.response.errors import RecordError
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.steps.step import Kind, Step
from sudo_mcp_guardrails.state.targets import Target, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.response.steps.step import State

FORMAT: Final = 1
"""Of the records that this release writes and reads."""
MAX_BYTES: Final = 16_000_000
"""Of one record; each place takes some hundred bytes, a trust policy up to 4,096."""
MAX_REVISIONS: Final = 9_999
"""Revisions of one target's records."""
_DIGEST: Final = f"restore-record/{FORMAT}"
_FIELDS: Final = frozenset(
    {"format", "target", "level", "by", "reason", "incident", "at", "revision", "state", "previous", "entries"}
)


class RecordState(str, Enum):
    """Whether a record still waits to be restored."""

    CONTAINED = "contained"
    RESTORED = "restored"


@dataclass(frozen=True)
class Entry:
    """What was there before one step.

    Attributes:
        step: the step, as it was carried out last.
        prior: what was read before the first time; of work in flight all that was cancelled.
        held: whether it contained already then, so that there is nothing to undo.
    """

    step: Step
    prior: State
    held: bool

    def document(self) -> dict[str, Any]:
        """Return the entry as JSON."""
        return {"id": self.step.id, "step": self.step.document(), "prior": self.prior, "held": self.held}


@dataclass(frozen=True)
class RestoreRecord:
    """A record. A new one is made by :func:`opened`.

    Attributes:
        target: whom it is about.
        level: the highest that was asked for.
        by: ARN of who contained first.
        reason: why.
        incident: id of the incident.
        at: when, seconds since 1970.
        revision: 1 and up, over all records of the target.
        state: whether it still waits.
        previous: digest of the revision before; empty for the first.
        entries: by the step's id, in the order in which they were written down.
    """

    target: Target
    level: Level
    by: str
    reason: str
    incident: str
    at: int
    revision: int
    state: RecordState = RecordState.CONTAINED
    previous: str = ""
    entries: tuple[Entry, ...] = field(default=())

    def body(self) -> dict[str, Any]:
        """Return the content as JSON."""
        return {
            "format": FORMAT,
            "target": self.target.key,
            "level": self.level.value,
            "by": self.by,
            "reason": self.reason,
            "incident": self.incident,
            "at": self.at,
            "revision": self.revision,
            "state": self.state.value,
            "previous": self.previous,
            "entries": [entry.document() for entry in self.entries],
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits.

        Raises:
            RecordError: It holds what JSON has no form for.
        """
        try:
            return digest(_DIGEST, self.body())
        except PlanError as error:
            raise RecordError(f"restore record of {self.target.key!r} cannot be written down: {error}") from None

    def to_json(self) -> str:
        """Return the record as text, its digest in it; raises RecordError also where it is too long."""
        try:
            text = json.dumps(
                {**self.body(), "digest": self.digest}, ensure_ascii=False, separators=(",", ":"), sort_keys=True
            )
        except (TypeError, ValueError) as error:
            raise RecordError(f"restore record of {self.target.key!r} cannot be written down: {error}") from None
        if len(text) > MAX_BYTES:
            raise RecordError(
                f"restore record of {self.target.key!r} has {len(text)} characters, allowed are {MAX_BYTES}"
            )
        return text

    def find(self, step: str) -> Entry | None:
        """Return the entry of a step by its id; None where there is none."""
        return next((entry for entry in self.entries if entry.step.id == step), None)

    def followed(self, **changes: Any) -> RestoreRecord:  # noqa: ANN401 - of its fields
        """Return the next revision, with some fields changed."""
        return replace(self, **changes, revision=self.revision + 1, previous=self.digest)

    def with_entries(self, entries: Iterable[Entry]) -> RestoreRecord:
        """Return the next revision with entries added, or put in the place of those of the same step."""
        kept = {entry.step.id: entry for entry in self.entries}
        kept.update({entry.step.id: entry for entry in entries})
        return self.followed(entries=tuple(kept.values()))


def read_record(text: str | bytes) -> RestoreRecord:
    """Read a record.

    Args:
        text: As :meth:`RestoreRecord.to_json` writes it.

    Raises:
        RecordError: It is none of this release's, or its digest is not that of its content.
    """
    if len(text) > MAX_BYTES:
        raise RecordError(f"restore record has {len(text)} characters, allowed are {MAX_BYTES}")
    try:
        document = parsed(text, "restore record")
        canonical(document)
    except PlanError as error:
        raise RecordError(str(error)) from None
    if not isinstance(document, dict) or set(document) != _FIELDS | {"digest"}:
        raise RecordError(
            f"restore record is none, expected an object with exactly {', '.join(sorted(_FIELDS))}, digest"
        )
    if document["format"] != FORMAT:
        raise RecordError(
            f"format {str(document['format'])[:40]} of a restore record is not known, allowed is {FORMAT}"
        )
    try:
        record = _record(document)
    except (KeyError, TypeError, ValueError, TargetError) as error:
        raise RecordError(f"restore record is not understood: {type(error).__name__} {str(error)[:120]}") from None
    if record.digest != document["digest"]:
        raise RecordError(
            f"restore record of {record.target.key!r} has digest {str(document['digest'])[:64]!r}, its content has "
            f"{record.digest!r}"
        )
    return record


def _record(document: Mapping[str, Any]) -> RestoreRecord:
    text = {name: _typed(document[name], str) for name in ("by", "reason", "incident", "previous")}
    number = {name: _typed(document[name], int) for name in ("at", "revision")}
    return RestoreRecord(
        target=Target.parse(_typed(document["target"], str)),
        level=Level(document["level"]),
        state=RecordState(document["state"]),
        entries=tuple(_entry(entry) for entry in _typed(document["entries"], list)),
        **text,
        **number,
    )


def _entry(document: Mapping[str, Any]) -> Entry:
    raw = document["step"]
    step = Step(
        kind=Kind(raw["kind"]),
        account=_typed(raw["account"], str),
        region=_typed(raw["region"], str),
        subject=_typed(raw["subject"], str),
        wanted=_typed(raw["wanted"], dict),
        stage=_typed(raw["stage"], int),
    )
    if document["id"] != step.id:
        raise ValueError(f"entry {document['id']!r} is about {step.id!r}")
    return Entry(step, document["prior"], _typed(document["held"], bool))


def _typed(value: Any, kind: type) -> Any:  # noqa: ANN401 - JSON
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:40]!r} is a {type(value).__name__}, expected {kind.__name__}")
    return value
