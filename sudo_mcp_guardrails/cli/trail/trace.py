"""``mcp-guardrails trail trace``: who stands behind a call, and what else was done.

Summary keys: ``asked``, ``by`` (as what it was found: ``run``, ``session``, ``event`` or ``request``), ``events``,
``people``, ``sessions``, ``tool_calls``, ``api_calls``, ``denied``, ``unknown`` (links that the events do not show),
``regions``, ``accounts``, ``first_time``, ``last_time``, ``complete`` (false where there are more events than a trace
takes), ``html`` (the file that was written, or null). Items: the nodes from the top down, each with ``kind``
(``person``, ``grant``, ``step``, ``session``, ``tool-call``, ``api-call``, ``session-end``, ``approval``), ``parent``
(index of the item above, null for a person), ``title``, ``time``, ``event_id``, ``marks``, ``facts`` and ``reason``
(why a link is not known). The exit code is 0 where something was found, whatever it is.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering
from sudo_mcp_guardrails.cli.trail.bars import bar
from sudo_mcp_guardrails.cli.trail.places import EndpointOption, ProfileOption, RegionOption, access, open_source
from sudo_mcp_guardrails.cli.trail.stores import (
    BrokerOption,
    ClientOption,
    NamesOption,
    PrefixOption,
    StoreOption,
    StoreOptions,
    connect,
    make_attributor,
    that_store,
)
from sudo_mcp_guardrails.trail.trace.lines import Part, trace_lines
from sudo_mcp_guardrails.trail.trace.nodes import Kind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.aws import AwsAccess
    from sudo_mcp_guardrails.trail.trace.gather import Gathered
    from sudo_mcp_guardrails.trail.trace.lines import Line
    from sudo_mcp_guardrails.trail.trace.nodes import Trace

_KINDS: Final[dict[Kind | None, str]] = {
    Kind.GRANT: "cyan",
    Kind.STEP: "cyan",
    Kind.SESSION: "bold cyan",
    Kind.TOOL_CALL: "magenta",
    Kind.SESSION_END: "magenta",
    Kind.API_CALL: "",
    Kind.APPROVAL: "green",
}
_PARTS: Final = {
    Part.GUIDE: "dim",
    Part.KIND: "dim",
    Part.TIME: "dim",
    Part.ASKED: "bold blue",
    Part.LOUD: "bold red",
    Part.MARK: "yellow",
    Part.FACT: "dim",
    Part.REASON: "yellow",
}


def trace(
    asked: Annotated[
        str, typer.Argument(metavar="RUN|EVENT|REQUEST|SESSION", help="Run id, eventID, requestID, or session.")
    ],
    *,
    store: StoreOption = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="DIR|s3://…", help="Read the files themselves, without a store."),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Of OpenSearch, to ask it in place of a store.")] = None,
    prefix: PrefixOption = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write an HTML timeline.")] = None,
    prefix_names: NamesOption = None,
    client: ClientOption = None,
    broker: BrokerOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show person, grant, session, tool calls, API calls and approval behind a run, event, request or session."""
    from sudo_mcp_guardrails.trail.trace.tree import trace as make_tree

    with answering(as_json=as_json) as answer:
        options = StoreOptions(
            store=store,
            url=url,
            prefix=prefix,
            names=prefix_names,
            clients=tuple(client or ()),
            brokers=tuple(broker or ()),
        )
        found = _gather(asked, options, source, access(profile, region, endpoint_url), answer)
        made = make_tree(found)
        for line in trace_lines(made):
            answer.text.print(_text(line), soft_wrap=True)
        if html is not None:
            _write(html, made)
            answer.report(f"wrote {html}")
        summary = {**made.summary(), "html": str(html) if html is not None else None}
        answer.finish(ok=True, summary=summary, items=made.items())


def _gather(asked: str, options: StoreOptions, source: str | None, aws: AwsAccess, answer: Answer) -> Gathered:
    """Find the events, in a store, in OpenSearch or in files."""
    from sudo_mcp_guardrails.trail.index.names import PREFIX, check_prefix
    from sudo_mcp_guardrails.trail.trace.gather import gather
    from sudo_mcp_guardrails.trail.trace.index import index_rows
    from sudo_mcp_guardrails.trail.trace.scan import FileRows
    from sudo_mcp_guardrails.trail.trace.store import store_rows

    if [options.store, source, options.url].count(None) != 2:  # noqa: PLR2004 - all but one
        raise InputError("trace needs one of --store, --url and --from, expected where the events are")
    if source is None and (options.names is not None or options.clients or options.brokers):
        raise InputError("--prefix-names, --client and --broker go with --from; a store is attributed already")
    if options.url is not None:
        prefix = check_prefix(options.prefix or PREFIX)
        with closing(connect(options.url, aws)) as transport, answer.progress.status("asking OpenSearch"):
            return gather(asked, index_rows(transport, prefix))
    if options.store is not None:
        with answer.progress.status("asking the store"):
            return gather(asked, store_rows(that_store(options.store)))
    with bar(answer, "reading") as shown:
        rows = FileRows(open_source(str(source), aws), make_attributor(options), progress=lambda _: shown.step())
        try:
            return gather(asked, rows)
        finally:
            for name, reason in rows.unreadable.items():
                answer.report(f"not read: {name}: {reason}")


def _write(path: Path, made: Trace) -> None:
    from sudo_mcp_guardrails.trail.trace.render import html_page

    try:
        path.write_text(html_page(made), encoding="utf-8")
    except OSError as error:
        raise InputError(f"timeline {str(path)!r} cannot be written: {error.strerror}") from error


def _text(line: Line) -> Text:
    """Return a line in colours."""
    text = Text()
    for part, what in line.parts:
        text.append(part, _KINDS.get(line.kind, "bold") if what is Part.TITLE else _PARTS.get(what, ""))
    return text
