"""Read a log and say what is wrong with it: changed, missing or moved lines, bad seals, a tail that nobody signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.canonical import canonical
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.provenance.keys import key_id
from sudo_mcp_guardrails.gateway.provenance.log import GENESIS, SEAL_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_LINE: Final = frozenset({"n", "prev", "time", "body", "sha256"})
_LONGEST: Final = 4 * 1024 * 1024
_DIGEST: Final = 64


@dataclass(slots=True)
class Read:
    """A log as it was read.

    Attributes:
        records: Bodies of the records up to the last seal that holds, in their order.
        problems: What is wrong, as (number of the line from 1, text).
        lines: Records in the file.
        seals: Seals that hold.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    lines: int = 0
    seals: int = 0


def read_log(lines: Iterable[bytes], key: Ed25519PublicKey) -> Read:
    """Read and check a log.

    Args:
        lines: Of the file, each with its newline.
        key: The guard's, from where an attacker could not change it.
    """
    read = Read()
    name = key_id(key)
    head, number, waiting = GENESIS, 0, list[dict[str, Any]]()
    for place, raw in enumerate(lines, 1):
        found = _parsed(raw)
        if found is None:
            read.problems.append((place, "the line is no record: cut, changed or too long"))
        elif set(found) == {"seal", "signature"}:
            why = _seal_problem(found, key, name, head, number)
            if why:
                read.problems.append((place, why))
                continue
            read.seals += 1
            read.records += waiting
            waiting = []
        elif set(found) == _LINE:
            read.lines += 1
            digest = found.pop("sha256")
            if found["prev"] != head or found["n"] != number + 1:
                read.problems.append((place, f"record {found['n']} does not follow record {number}"))
            if hashlib.sha256(canonical(found)).hexdigest() != digest:
                read.problems.append((place, f"record {found['n']} is not what its digest was made of"))
            head, number = str(digest), found["n"] if isinstance(found["n"], int) else number + 1
            waiting.append(found["body"])
        else:
            read.problems.append((place, f"the line has fields {sorted(found)[:8]}, expected a record or a seal"))
    if waiting or not read.seals:
        read.problems.append((0, f"{len(waiting)} records at the end are under no seal"))
    return read


def _parsed(raw: bytes) -> dict[str, Any] | None:
    if len(raw) > _LONGEST or not raw.endswith(b"\n"):
        return None
    try:
        found = json.loads(raw)
        # The text itself must be the canonical one: a name that stands twice, or white space, is a change.
        if isinstance(found, dict) and set(found) == _LINE:
            rest = {name: found[name] for name in found if name != "sha256"}
            same = canonical(rest)[:-1] + b',"sha256":' + canonical(found["sha256"]) + b"}\n" == raw
        else:
            same = isinstance(found, dict) and canonical(found) + b"\n" == raw
    except (ValueError, RecursionError, PinError):
        return None
    return found if same else None


def _seal_problem(found: dict[str, Any], key: Ed25519PublicKey, name: str, head: str, number: int) -> str:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra

    seal = found["seal"]
    if seal != {"head": head, "key": name, "n": number}:
        return f"the seal is of another head or key than that of record {number}"
    try:
        key.verify(base64.b64decode(found["signature"], validate=True), SEAL_PURPOSE + canonical(seal))
    except (InvalidSignature, binascii.Error, ValueError, TypeError):
        return f"the seal of record {number} is not signed by this key"
    return ""
