"""Progress bars on standard error; nothing where that is no terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.cli.output import Answer
    from sudo_mcp_guardrails.trail.source import Source

_MAX_COUNTED: Final = 1_000_000


class Bar:
    """One bar.

    Args:
        progress: rich's.
        what: what is done, in a word.
        total: steps; None where they are not known.
    """

    def __init__(self, progress: Progress, what: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total, note="")

    def step(self, count: int = 1) -> None:
        """Do steps."""
        self._progress.update(self._task, advance=count)

    def to(self, done: int, total: int | None = None) -> None:
        """Say how many steps are done, and of how many."""
        self._progress.update(self._task, completed=done, total=total)

    def note(self, text: str) -> None:
        """Say something beside the bar."""
        self._progress.update(self._task, note=text)


@contextmanager
def bar(answer: Answer, what: str, total: int | None = None) -> Iterator[Bar]:
    """Show a bar while something is done; it is gone afterwards."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:,.0f}"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=answer.progress,
        transient=True,
        disable=not answer.progress.is_terminal,
    )
    with progress:
        yield Bar(progress, what, total)


def counted(source: Source, answer: Answer, *, local: bool) -> int | None:
    """Return how many files a source has, for its bar; None where nobody looks, or where asking costs money.

    Args:
        source: where the files are.
        answer: tells whether anybody sees the bar.
        local: whether listing is free, as of a directory.
    """
    if not local or not answer.progress.is_terminal:
        return None
    total = 0
    for _ in source.files():
        total += 1
        if total >= _MAX_COUNTED:
            return None
    return total
