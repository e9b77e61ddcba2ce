"""Write an auditor's rows: CSV that no spreadsheet computes with, JSON, and one HTML file that needs nothing else."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.approval.chain.rows import AuditRow

PROVED: Final = "proof_verified"
"""The last column but one: what became of a record's proof when it was verified again; empty without one."""
WHOLE: Final = "chain_whole"
"""The last column: whether the row's chain is whole."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_HEADS: Final = {
    "number": "No.",
    "when": "When (UTC)",
    "who": "Who",
    "kind": "Kind",
    "what": "What",
    "why": "Why",
    "on_behalf_of": "On behalf of",
    "proof": "Proof",
    "digest": "Record's digest, and key",
}
_STYLE: Final = (
    ":root{color-scheme:light}"
    "body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:2rem auto;max-width:88rem;"
    "padding:0 1.5rem}"
    "h1{font-size:1.5rem;margin:0 0 .25rem}"
    "h2{font-size:1.05rem;margin:2rem 0 .5rem;overflow-wrap:anywhere}"
    "p{margin:.25rem 0 1rem;max-width:60rem}"
    "table{border-collapse:collapse;width:100%;table-layout:fixed;font-size:13px}"
    "th,td{border:1px solid #c8c8c8;padding:.35rem .5rem;vertical-align:top;text-align:left;overflow-wrap:anywhere}"
    "thead th{background:#f0f0f0}"
    "td.digest{font:11px/1.4 ui-monospace,monospace;color:#444}"
    ".yes{color:#14602a}.no{color:#a3001b;font-weight:600}.open{color:#6b4a00}"
    ".scroll{overflow-x:auto}.scroll table{min-width:64rem}"
    "@media print{@page{size:A4 landscape;margin:12mm}body{margin:0;padding:0;max-width:none;font-size:10pt}"
    "table{font-size:8pt}.scroll{overflow:visible}.scroll table{min-width:0}tr{break-inside:avoid}"
    "thead{display:table-header-group}h2{break-after:avoid}}"
)
_WIDTHS: Final = (4, 10, 12, 8, 20, 13, 12, 11, 10)
_TOLD: Final = {
    "yes": ("yes", "The chain is whole."),
    "no": ("no", "The chain is not whole: see approvals verify."),
    "not checked": ("open", "The chain was not checked: no keys were given."),
}


_MARKS: Final = {"verified": "yes", "failed": "no"}


class ExportRow(NamedTuple):
    """A row.

    Attributes:
        row: what the record says.
        whole: ``yes``, ``no`` or ``not checked``.
        proved: what became of its proof; empty for what nobody had to prove.
    """

    row: AuditRow
    whole: str
    proved: str = ""


def write(path: Path, kind: str, rows: Iterable[ExportRow], *, now: int, checked: bool) -> None:
    """Write an export; the file is there whole, or as it was before.

    Args:
        path: of the file.
        kind: ``csv``, ``json`` or ``html``.
        rows: in the order of their chains.
        now: seconds since 1970, for the page's head.
        checked: whether chains were checked.

    Raises:
        InputError: it cannot be written.
    """
    try:
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    try:
        # csv writes the ends of lines itself.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            if kind == "csv":
                _csv(stream, rows)
            elif kind == "json":
                _json(stream, rows)
            else:
                _html(stream, rows, now, checked=checked)
        Path(made).replace(path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    finally:
        with suppress(FileNotFoundError):
            Path(made).unlink()


def cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that begins like one is led in by an apostrophe.

    OWASP, CSV Injection: cells that begin with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return. White space
    before them is no protection, since some programs take it away.
    """
    begins = text.lstrip(" \n\u00a0")
    return f"'{text}" if begins.startswith(_FORMULA) else text


def _csv(stream: TextIO, rows: Iterable[ExportRow]) -> None:
    from sudo_mcp_guardrails.approval.chain.rows import AuditRow

    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerow((*AuditRow.columns(), PROVED, WHOLE))
    for row, whole, proved in rows:
        writer.writerow([cell(each) for each in (*row.values(), proved, whole)])


def _json(stream: TextIO, rows: Iterable[ExportRow]) -> None:
    stream.write("[")
    for number, (row, whole, proved) in enumerate(rows):
        document = {name: getattr(row, name) for name in row.columns()} | {PROVED: proved, WHOLE: whole}
        # ASCII: half of a surrogate pair, which a text of a record may have, has no UTF-8.
        stream.write(("," if number else "") + "\n" + json.dumps(document))
    stream.write("\n]\n")


def _html(stream: TextIO, rows: Iterable[ExportRow], now: int, *, checked: bool) -> None:
    from sudo_mcp_guardrails.approval.moments import written

    how = (
        "Digests, order, signatures, whose key signed what, and the assertions of passkeys were checked; whether tails "
        "were cut off shows against published heads alone."
        if checked
        else "Nothing was checked: no keys were given."
    )
    stream.write(
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Evidence of approvals</title>\n<style>{_STYLE}</style></head>\n<body>\n<main>\n"
        f"<h1>Evidence of approvals</h1>\n<p>Written {written(now)}. {how}</p>\n"
    )
    chain = None
    for row, whole, proved in rows:
        if row.chain != chain:
            stream.write("</tbody></table></div>\n" if chain is not None else "")
            chain = row.chain
            _table(stream, chain, whole)
        cells = []
        for name in _HEADS:
            text = _shown(str(getattr(row, name)))
            if name == "digest":
                text += f"<br>{_shown(row.key_id)}"
            elif name == "proof" and proved:
                mark = next((mark for begin, mark in _MARKS.items() if proved.startswith(begin)), "open")
                text += f'<br><span class="{mark}">{_shown(proved)}</span>'
            cells.append(f'<td class="{name}">{text}</td>')
        stream.write(f"<tr>{''.join(cells)}</tr>\n")
    stream.write("</tbody></table></div>\n" if chain is not None else "<p>There are no records.</p>\n")
    stream.write("</main>\n</body>\n</html>\n")


def _table(stream: TextIO, chain: str, whole: str) -> None:
    mark, told = _TOLD[whole]
    heads = "".join(f'<th scope="col">{name}</th>' for name in _HEADS.values())
    widths = "".join(f'<col style="width:{width}%">' for width in _WIDTHS)
    stream.write(
        f'<h2>{_shown(chain)}</h2>\n<p class="{mark}">{told}</p>\n'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Records of {_shown(chain)}">'
        f"<table><colgroup>{widths}</colgroup><thead><tr>{heads}</tr></thead><tbody>\n"
    )


def _shown(text: str) -> str:
    """Return text as HTML: marks that turn its direction around or are not seen stand as escapes."""
    from sudo_mcp_guardrails.trail.trace.text import shown

    return escape(shown(text, 4_000))
