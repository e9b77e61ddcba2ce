"""``mcp-guardrails trail ingest``: take trail files in.

Summary keys: ``files`` (trail files that were read), ``events``, ``unique`` (of these, new to the sink), ``duplicates``
(there already, or more than once in the files), ``conflicts`` (duplicates that say something else than what is there),
``dead_letters`` (records that are no event, and files that are cut off), ``rejected`` (events that the sink refused,
each kept as a dead letter), ``attributed`` (events that are some agent's work), ``amended`` (earlier events that are
known better now), ``not_trail`` (files that are none), ``gone`` (files that vanished between listing and reading),
``unreadable``, ``retries``, ``first_time``, ``last_time``, ``seconds``. Items: ``kind`` (``dead-letter``,
``not-trail``, ``gone``, ``unreadable``, ``passed-over``), ``file``, ``position`` (of the record in the file, from 0, or
null), ``reason``; at most 1,000 of a kind, while the counts are whole.

The exit code is 0 where everything that was there is kept. Dead letters are findings about the files and are kept
themselves, so they leave it 0, and are said. It is 1 where a file was gone or could not be read, or where an event was
rejected, and 2 where the sink took no more; what was written stays, and the same command again completes it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.bars import bar, counted
from sudo_mcp_guardrails.cli.trail.places import (
    SCHEME,
    EndpointOption,
    ProfileOption,
    RegionOption,
    SourceArgument,
    access,
    open_source,
)
from sudo_mcp_guardrails.cli.trail.stores import (
    BrokerOption,
    ClientOption,
    NamesOption,
    PrefixOption,
    SinkName,
    SinkOption,
    StoreOption,
    StoreOptions,
    UrlOption,
    open_store,
)
from sudo_mcp_guardrails.cli.trail.watching import WatchedSink, WatchedSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.trail.ingest import IngestReport
    from sudo_mcp_guardrails.trail.source import KeepingSource

_MAX_ITEMS: Final = 1000
_SHOWN: Final = 20


def ingest(
    source: SourceArgument,
    *,
    sink: SinkOption = SinkName.DUCKDB,
    store: StoreOption = None,
    url: UrlOption = None,
    prefix: PrefixOption = None,
    prefix_names: NamesOption = None,
    client: ClientOption = None,
    broker: BrokerOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take trail files in: read, attribute and keep every event, each once."""
    from sudo_mcp_guardrails.trail.ingest import ingest as take_in

    with answering(as_json=as_json) as answer:
        aws = access(profile, region, endpoint_url)
        options = StoreOptions(sink, store, url, prefix, prefix_names, tuple(client or ()), tuple(broker or ()))
        files = open_source(source, aws)
        with open_store(options, aws, answer) as opened:
            total = counted(files, answer, local=not source.startswith(SCHEME))
            with bar(answer, "taking in", total) as shown:

                def tell(report: IngestReport) -> None:
                    rate = report.events / report.seconds if report.seconds else 0
                    shown.note(f"files, {report.events:,} events, {rate:,.0f}/s")

                watched = WatchedSource(files, lambda _: shown.step())
                kept = WatchedSink(opened.sink)
                report = take_in(watched, kept, opened.attributor, progress=tell)
        summary = _summary(report)
        items = _items(report, kept, files)
        for line in _lines(summary, items, options):
            answer.text.print(line, soft_wrap=True)
        lost = summary["rejected"] + summary["gone"] + summary["unreadable"]
        answer.finish(ok=not lost, summary=summary, items=items)


def _summary(report: IngestReport) -> dict[str, Any]:
    return {
        "files": report.files,
        "events": report.events,
        "unique": report.unique,
        "duplicates": report.duplicates,
        "conflicts": report.conflicts,
        "dead_letters": report.dead_letters,
        "rejected": report.rejected,
        "attributed": report.attributed,
        "amended": report.amended,
        "not_trail": len(report.not_trail),
        "gone": len(report.gone),
        "unreadable": len(report.unreadable),
        "retries": report.retries,
        "first_time": report.first_time,
        "last_time": report.last_time,
        "seconds": round(report.seconds, 3),
    }


def _items(report: IngestReport, kept: WatchedSink, source: KeepingSource) -> list[dict[str, Any]]:
    gone = ((name, "it was listed, and was not there any more") for name in report.gone)
    return [
        *({"kind": "dead-letter", "file": each.source, "position": each.position, "reason": each.reason}
          for each in kept.letters),
        *_named("gone", gone),
        *_named("unreadable", report.unreadable),
        *_named("not-trail", report.not_trail),
        *_named("passed-over", getattr(source, "passed_over", ())),
    ]  # fmt: skip


def _named(kind: str, found: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "file": name, "position": None, "reason": reason} for name, reason in islice(found, _MAX_ITEMS)
    ]


def _lines(summary: dict[str, Any], items: list[dict[str, Any]], options: StoreOptions) -> list[Text]:
    """Return what is said to people."""
    from sudo_mcp_guardrails.trail.trace.text import shown

    lines = []
    for item in items[:_SHOWN]:
        place = item["file"] if item["position"] is None else f"{item['file']}, record {item['position']}"
        lines.append(Text.assemble((item["kind"], "yellow"), f" {shown(place)}: {shown(item['reason'])}"))
    if len(items) > _SHOWN:
        lines.append(Text(f"… and {len(items) - _SHOWN} more; --json lists them"))
    rate = summary["events"] / summary["seconds"] if summary["seconds"] else 0
    lines += [
        Text(
            f"{summary['files']} files, {summary['events']} events: {summary['unique']} new, "
            f"{summary['duplicates']} duplicates, {summary['attributed']} of agents, "
            f"in {summary['seconds']} s ({rate:,.0f} a second)"
        ),
        Text(f"rejected {summary['rejected']}, dead letters {summary['dead_letters']}", "yellow" * bool(_bad(summary))),
    ]
    if summary["conflicts"]:
        lines.append(Text(f"{summary['conflicts']} duplicates say something else than what is there", "yellow"))
    if options.sink is SinkName.MEMORY:
        lines.append(Text("nothing was kept: --sink memory only counts"))
    return lines


def _bad(summary: dict[str, Any]) -> int:
    return int(summary["rejected"] + summary["dead_letters"])
