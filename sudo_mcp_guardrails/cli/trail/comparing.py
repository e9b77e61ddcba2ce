"""What ``reconcile`` and ``backfill`` share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.trail.bars import bar, counted
from sudo_mcp_guardrails.cli.trail.places import SCHEME, days, open_source
from sudo_mcp_guardrails.cli.trail.stores import open_store
from sudo_mcp_guardrails.cli.trail.watching import WatchedSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sudo_mcp_guardrails.cli.output import Answer
    from sudo_mcp_guardrails.cli.trail.stores import StoreOptions
    from sudo_mcp_guardrails.trail.aws import AwsAccess
    from sudo_mcp_guardrails.trail.digests.public_keys import PublicKeys
    from sudo_mcp_guardrails.trail.digests.verify import Verdict
    from sudo_mcp_guardrails.trail.reconciled import Reconciled
    from sudo_mcp_guardrails.trail.source import KeepingSource, SourceFile

_SHOWN: Final = 50

KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--public-keys",
        metavar="FILE",
        help="What 'aws cloudtrail list-public-keys' printed; CloudTrail is asked if not.",
    ),
]


@dataclass(frozen=True)
class Comparison:
    """What to compare.

    Attributes:
        source: directory or ``s3://``.
        options: the sink.
        since: first day.
        until: last day.
        repair: whether to take in what is missing.
        deep: whether to read what the ledger has, too.
        digests: whether to check CloudTrail's digests.
        keys: file of public keys.
    """

    source: str
    options: StoreOptions
    since: str | None
    until: str | None
    repair: bool
    deep: bool
    digests: bool
    keys: Path | None


def compare(asked: Comparison, aws: AwsAccess, answer: Answer) -> None:
    """Compare a source with a sink, say what was found, and state the result."""
    from sudo_mcp_guardrails.trail.ingest import ingest
    from sudo_mcp_guardrails.trail.reconcile import reconcile

    source = open_source(asked.source, aws, days(asked.since, asked.until))
    with open_store(asked.options, aws, answer, make=asked.repair) as opened:
        total = counted(source, answer, local=not asked.source.startswith(SCHEME))
        with bar(answer, "comparing", total) as shown:

            def take_in(files: Iterable[SourceFile]) -> object:
                return ingest(WatchedSource(source), opened.sink, opened.attributor, files=files)

            def tell(report: Reconciled) -> None:
                shown.to(report.checked)
                shown.note(f"files, {report.missing} missing, {report.repaired} repaired, {report.broken} broken")

            found = reconcile(
                source,
                opened.sink,
                digests=check_digests(source, asked.keys, asked.until, aws) if asked.digests else None,
                repair=take_in if asked.repair else None,
                deep=asked.deep,
                progress=tell,
            )
    state(found, answer, digests=asked.digests)


def check_digests(
    source: KeepingSource, keys: Path | None, until: str | None, aws: AwsAccess, *, logs: bool = True
) -> Iterator[Verdict]:
    """Return what the digests of a source say.

    Args:
        source: where they are, and the files that they name.
        keys: file of public keys; CloudTrail is asked when left out.
        until: day up to which there must be digests; not questioned when left out.
        aws: how to reach CloudTrail.
        logs: whether to read the files that they name.
    """
    from sudo_mcp_guardrails.cli.trail.places import day
    from sudo_mcp_guardrails.trail.digests.public_keys import CloudTrailKeys, KeyFile
    from sudo_mcp_guardrails.trail.digests.verify import DigestCheck

    known: PublicKeys = (
        KeyFile.read(keys) if keys is not None else CloudTrailKeys(lambda r: aws.client("cloudtrail", r))
    )
    last = day("--until", until)
    end = datetime.combine(last + timedelta(days=1), time(), timezone.utc) if last is not None else None
    if end is not None:
        end = min(end, datetime.now(timezone.utc))
    return DigestCheck(source, known, logs=logs, until=end).run()


def state(found: Reconciled, answer: Answer, *, digests: bool) -> None:
    """Say what a comparison found, and state it as the command's result."""
    from sudo_mcp_guardrails.trail.trace.text import shown

    for item in found.items[:_SHOWN]:
        label = f"{item.gap.value}, repaired" if item.repaired else item.gap.value
        answer.text.print(
            Text.assemble((label, "green" if item.repaired else "red"), f" {shown(item.name)}: {shown(item.reason)}"),
            soft_wrap=True,
        )
    if len(found.items) > _SHOWN:
        answer.text.print(f"… and {len(found.items) - _SHOWN} more; --json lists them")
    proved = f"; {found.digests} digests hold, and prove {found.proved} files" if digests else ""
    answer.text.print(
        f"{found.checked} files checked, {found.missing} missing, {found.repaired} repaired, "
        f"{found.broken} broken{proved}"
    )
    summary: dict[str, Any] = {
        "checked": found.checked,
        "missing": found.missing,
        "repaired": found.repaired,
        "broken": found.broken,
        "digests": found.digests,
        "proved": found.proved,
        "last": found.last,
        "omitted": found.omitted,
    }
    items = [
        {"gap": each.gap.value, "name": each.name, "reason": each.reason, "repaired": each.repaired}
        for each in found.items
    ]
    answer.finish(ok=found.ok, summary=summary, items=items)
