"""``mcp-guardrails trail query``: ask a store in SQL.

Summary keys: ``rows``, ``columns``, ``limited`` (whether there are more rows than the limit). Items: one object a row,
by column; times and other values that JSON has not are texts. ``trail`` is the view to ask: each event with whose work
it is; beside it there are ``ledger``, ``dead_letters`` and ``segments``. The store is opened for reading alone.
"""

from __future__ import annotations

import base64
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.stores import ThatStoreOption, that_store

if TYPE_CHECKING:
    from collections.abc import Sequence

LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Most rows.")]


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT; trail is the view of all events.")],
    *,
    store: ThatStoreOption,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
) -> None:
    """Ask a store in SQL, read-only."""
    with answering(as_json=as_json) as answer:
        that_store(store)
        from sudo_mcp_guardrails.trail.sinks.duckdb_query import query as ask

        found = ask(store, sql, limit=limit + 1)
        rows = list(islice(found.rows, limit + 1))
        limited = len(rows) > limit
        rows = rows[:limit]
        answer.text.print(_table(found.columns, rows))
        if limited:
            answer.report(f"there are more than {limit} rows; --limit shows more")
        names = _distinct(found.columns)
        answer.finish(
            ok=True,
            summary={"rows": len(rows), "columns": names, "limited": limited},
            items=[{name: _json(value) for name, value in zip(names, row, strict=True)} for row in rows],
        )


def _table(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Table:
    from sudo_mcp_guardrails.trail.trace.text import shown

    table = Table()
    for column in columns:
        table.add_column(Text(shown(column)), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else shown(str(_json(value)))) for value in row))
    return table


def _distinct(columns: Sequence[str]) -> list[str]:
    """Return the names, those that come twice with a number, since JSON would keep one of them."""
    names: list[str] = []
    for column in columns:
        name, number = column, 2
        while name in names:
            name, number = f"{column}_{number}", number + 1
        names.append(name)
    return names


def _json(value: object) -> object:
    """Return a value as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has neither infinity nor NaN
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _json(each) for name, each in value.items()}
    return _text(value) if isinstance(value, bytes) else str(value)


def _text(value: bytes) -> str:
    """Return bytes as text, or in base64 where they are none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
