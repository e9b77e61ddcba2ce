"""A bundle: what a plan was read from, so that anybody can read it again and get the same digest.

One object of the evidence bucket. Its text is canonical, so that a bundle has one digest; what it held as bytes comes
back as bytes, and decimals keep their digits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import canonical, parsed
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.reading import Known, read_plan
from sudo_mcp_guardrails.approval.reading.source import MAX_BYTES, check_depth

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Plan

BUNDLE_KIND: Final = "bundle/1"
MAX_BUNDLE: Final = MAX_BYTES
"""Most bytes of a bundle: 16 MiB, as of a plan's file."""
_FIELDS: Final = ("kind", "form", "data", "known")
_KNOWN: Final = frozenset(one.name for one in fields(Known))
_BYTES: Final = "$bytes"


@dataclass(frozen=True)
class Bundle:
    """A plan's raw input.

    Attributes:
        form: what it came as.
        data: of JSON, as :func:`~sudo_mcp_guardrails.approval.reading.read_plan` takes it, but never a file's bytes:
            who has a file parses it first. Fractions become decimals. Not to be changed.
        known: what was known beside it, by the names of :class:`~sudo_mcp_guardrails.approval.reading.known.Known`.

    Raises:
        PlanError: it has a name that is not known, or a value that JSON has no form for, or is over 16 MiB.
    """

    form: Form
    data: Any = field(hash=False)
    known: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Validate, and settle fractions, so that what is read now is what is read from the stored bytes."""
        if isinstance(self.data, (bytes, bytearray, memoryview)):
            raise PlanError("data of a bundle is bytes, expected JSON that was parsed")
        for name in self.known:
            if name not in _KNOWN:
                raise PlanError(f"bundle knows {name[:80]!r}, allowed are {', '.join(sorted(_KNOWN))}")
        for name in ("data", "known"):
            check_depth(getattr(self, name), f"{name} of a bundle")
            object.__setattr__(self, name, _settled(getattr(self, name)))
        if len(self._text) > MAX_BUNDLE:
            raise PlanError(f"the bundle has {len(self._text)} bytes, allowed are {MAX_BUNDLE}")

    @cached_property
    def _text(self) -> bytes:
        return canonical({"kind": BUNDLE_KIND, "form": self.form.value, "data": self.data, "known": self.known})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes that are stored, 64 hexadecimal digits."""
        return hashlib.sha256(self._text).hexdigest()

    def to_json(self) -> bytes:
        """Return the bytes that are stored; equal bundles have equal ones."""
        return self._text

    @classmethod
    def from_json(cls, text: bytes) -> Bundle:
        """Read it from its bytes.

        Raises:
            PlanError: they are none of a bundle, or not the ones that this bundle has.
        """
        if len(text) > MAX_BUNDLE:
            raise PlanError(f"the bundle has {len(text)} bytes, allowed are {MAX_BUNDLE}")
        document = parsed(text, "the bundle")
        if not isinstance(document, dict) or set(document) != set(_FIELDS) or document["kind"] != BUNDLE_KIND:
            raise PlanError(f"what was stored is no bundle, expected {BUNDLE_KIND} with {', '.join(_FIELDS)}")
        forms = {form.value: form for form in Form}
        form, known = document["form"], document["known"]
        if not isinstance(form, str) or form not in forms or not isinstance(known, dict):
            raise PlanError(f"a bundle's form is one of {', '.join(forms)}, and what it knows is an object")
        check_depth(document, "the bundle")
        found = cls(forms[form], _plain(document["data"]), _plain(known))
        if found.to_json() != text:
            # A second text of one bundle would be a second digest of it.
            raise PlanError("the bundle's text is not canonical")
        return found

    def plan(self) -> Plan:
        """Return the plan.

        Raises:
            PlanError: there is none of this form.
        """
        return read_plan(self.data, form=self.form, known=Known(**self.known))


def _settled(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value with its fractions as decimals, as they come back from the text."""
    if isinstance(value, dict):
        return {name: _settled(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_settled(each) for each in value]
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return Decimal(str(value)) if isinstance(value, float) else value


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Undo what the canonical text does to bytes, and to names that begin with a dollar sign."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_BYTES} and isinstance(value[_BYTES], str):
        try:
            return bytes.fromhex(value[_BYTES])
        except ValueError:
            raise PlanError("the bundle has bytes that are no hexadecimal digits") from None
    return {name.removeprefix("$"): _plain(each) for name, each in value.items()}
