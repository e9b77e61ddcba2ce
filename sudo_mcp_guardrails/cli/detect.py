"""``mcp-guardrails detect``: look at events, and say what agents should not have done.

``detect FILE|DIR|s3://BUCKET/PREFIX|-`` looks at trail files, at a store that ``trail ingest`` made, or at what comes
on standard input, a JSON object or more a line. Findings are printed as they come; with ``--json`` one object at the
end. ``detect test`` holds the rules to their events, and each rule's mutants too (a directory of that name is
``./test``).

Summary keys: ``events``, ``findings``, ``alerts`` (a finding puts those of one rule about one run and day together),
``agents`` (events of agents), ``learned`` (runs taken into ``--baselines``), ``files``, ``dead_letters``,
``not_trail``, ``unreadable``, ``rules``, ``contains`` (findings that contain an agent by themselves), ``seconds``.
Items: the findings, OCSF's Detection Finding with ``rule`` and ``source`` beside; at most 10,000, while the counts are
whole. The exit code is 0 where nothing was found, 1 where something was, 2 where a file could not be read and nothing
was found in the others.

Of ``detect test``: ``rules``, ``cases``, ``failed``, ``mutants``, ``killed``, ``seconds``; items: ``rule``, ``kind``
(``case`` or ``mutant``) and ``what``, of the cases that failed and the mutants that survived.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering
from sudo_mcp_guardrails.cli.trail.bars import bar, counted
from sudo_mcp_guardrails.cli.trail.places import (
    SCHEME,
    EndpointOption,
    ProfileOption,
    RegionOption,
    access,
    open_source,
)
from sudo_mcp_guardrails.cli.trail.stores import (
    BrokerOption,
    ClientOption,
    NamesOption,
    StoreOptions,
    make_attributor,
    need,
)
from sudo_mcp_guardrails.detection.rule import Level
from sudo_mcp_guardrails.trail.segment_files import SEGMENTS

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator, Sequence

    from sudo_mcp_guardrails.cli.detect_layers import DirectoryLayers
    from sudo_mcp_guardrails.detection.compiled import RuleBook
    from sudo_mcp_guardrails.detection.finding import Finding
    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.reading import FileContent
    from sudo_mcp_guardrails.trail.source import Source

STANDARD_INPUT: Final = "-"
TEST: Final = "test"
MAX_ITEMS: Final = 10_000
_STEP: Final = 1_000
_COLOURS: Final = {
    Level.INFORMATIONAL: "dim",
    Level.LOW: "cyan",
    Level.MEDIUM: "yellow",
    Level.HIGH: "red",
    Level.CRITICAL: "bold red",
}

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE|DIR|s3://BUCKET/PREFIX|-|test", help="Trail files, a store, standard input, or: test the rules."
    ),
]
RulesOption = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="DIR", help="More rules, in Sigma's format (*.yml); repeatable."),
]
BaselinesOption = Annotated[
    Path | None,
    typer.Option("--baselines", metavar="DIR", help="Look for what is unusual too, by what was learned there."),
]
LearnOption = Annotated[
    bool, typer.Option("--learn", help="Learn the runs in which nothing was found, into --baselines.")
]
LevelOption = Annotated[Level, typer.Option("--level", help="The least level that is reported.")]


def detect(
    source: SourceArgument,
    *,
    rules: RulesOption = None,
    level: LevelOption = Level.LOW,
    baselines: BaselinesOption = None,
    learn: LearnOption = False,
    prefix_names: NamesOption = None,
    client: ClientOption = None,
    broker: BrokerOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at events for what agents should not have done; or test the rules."""
    with answering(as_json=as_json) as answer:
        book = _book(rules or (), prefix_names)
        if source == TEST:
            from sudo_mcp_guardrails.cli.detect_test import self_test

            self_test(book, rules or [], answer)
            return
        options = StoreOptions(names=prefix_names, clients=tuple(client or ()), brokers=tuple(broker or ()))
        layers = _layers(baselines, learn=learn)
        looking = _Looking(book, options, level, answer, layers)
        if source == STANDARD_INPUT:
            looking.through(_standard_input())
        elif (Path(source) / SEGMENTS).is_dir():
            _through_store(Path(source), looking, answer)
        else:
            files = open_source(source, access(profile, region, endpoint_url))
            _through_files(files, looking, answer, local=not source.startswith(SCHEME))
        looking.finish(layers.learn() if layers is not None and learn else 0)


def _layers(directory: Path | None, *, learn: bool) -> DirectoryLayers | None:
    from sudo_mcp_guardrails.cli.errors import InputError

    if directory is None:
        if learn:
            raise InputError("--learn needs --baselines, expected the directory that is learned into")
        return None
    from sudo_mcp_guardrails.cli.detect_layers import DirectoryLayers

    return DirectoryLayers(directory)


def _book(directories: Sequence[Path], prefix: str | None) -> RuleBook:
    from sudo_mcp_guardrails.detection.compiled import shipped
    from sudo_mcp_guardrails.detection.naming import for_names
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

    book = for_names(shipped(), GuardrailNames(prefix)) if prefix is not None else shipped()
    if directories:
        from sudo_mcp_guardrails.detection.sigma import read_directory

        for one in directories:
            book += read_directory(one)
    return book


class _Looking:
    """Looks at events, says what it finds, and keeps it."""

    def __init__(
        self, book: RuleBook, options: StoreOptions, level: Level, answer: Answer, layers: DirectoryLayers | None
    ) -> None:
        from sudo_mcp_guardrails.detection.detector import Detector
        from sudo_mcp_guardrails.detection.facts import Facts
        from sudo_mcp_guardrails.detection.watch import Watch

        if layers is None:
            self.watch = Watch(Detector(book), make_attributor(options), least=level)
        else:
            detector = Detector(book, facts=Facts(first=layers.first), layers=layers.layers())
            self.watch = Watch(detector, make_attributor(options), least=level, told=layers.found)
        self._answer = answer
        self._found: dict[str, Finding] = {}
        self._rules = len(book.rules) + len(book.correlations)
        self._started = time.monotonic()
        self._more = 0
        self.files = self.dead_letters = 0
        self.not_trail: list[tuple[str, str]] = []
        self.unreadable: list[tuple[str, str]] = []

    def through(self, contents: Iterable[FileContent]) -> None:
        """Look at all events of some pieces of files."""
        for content in contents:
            self.dead_letters += len(content.dead_letters)
            self.keep(self.watch.through(content.events))

    def keep(self, findings: Iterable[Finding]) -> None:
        """Say and keep findings."""
        for finding in findings:
            if finding.id not in self._found and len(self._found) >= MAX_ITEMS:
                self._more += finding.is_new
                continue
            self._found[finding.id] = finding
            if finding.is_new:
                self._answer.text.print(_line(finding), soft_wrap=True)

    def trace(self, store: Path) -> None:
        """Give the findings what led to them."""
        from sudo_mcp_guardrails.cli.detect_trace import with_traces

        with_traces(self._found, store)

    def finish(self, learned: int) -> None:
        """State the result.

        Args:
            learned: How many runs were.
        """
        from sudo_mcp_guardrails.detection.ocsf import to_ocsf

        found = list(self._found.values())
        count = len(found) + self._more
        seconds = time.monotonic() - self._started
        events = self.watch.events
        summary = {
            "events": events,
            "findings": count,
            "alerts": self.watch.alerts,
            "agents": self.watch.agents,
            "files": self.files,
            "dead_letters": self.dead_letters,
            "not_trail": len(self.not_trail),
            "unreadable": len(self.unreadable),
            "rules": self._rules,
            "learned": learned,
            "contains": sum(one.alert.contains for one in found),
            "seconds": round(seconds, 3),
        }
        for name, reason in (*self.not_trail, *self.unreadable):
            self._answer.report(f"{name}: {reason}")
        self._answer.text.print(
            f"{count} findings of {self._rules} rules in {events} events, {self.watch.agents} of agents, "
            f"in {seconds:.1f} s ({events / max(seconds, 0.001):,.0f} a second)"
        )
        unknown = f"{len(self.unreadable)} files could not be read" if self.unreadable else ""
        self._answer.finish(ok=not count, summary=summary, items=[to_ocsf(one) for one in found], unknown=unknown)


def _through_files(files: Source, looking: _Looking, answer: Answer, *, local: bool) -> None:
    from sudo_mcp_guardrails.trail.collector import rare_collections
    from sudo_mcp_guardrails.trail.ingest import MAX_STORED_BYTES
    from sudo_mcp_guardrails.trail.reading import read_pieces

    with bar(answer, "looking at", counted(files, answer, local=local)) as shown, rare_collections():
        for file in files.files():
            shown.step()
            shown.note(f"files, {looking.watch.events:,} events")
            data = None
            if file.size <= MAX_STORED_BYTES:
                from sudo_mcp_guardrails.trail.errors import UnreadableFileError

                try:
                    data = files.read(file)
                except UnreadableFileError as error:
                    looking.unreadable.append((file.name, str(error)))
                    continue
            if data is None:
                reason = "it is gone" if file.size <= MAX_STORED_BYTES else f"more than {MAX_STORED_BYTES} bytes"
                looking.unreadable.append((file.name, reason))
                continue
            looking.files += 1
            for content in read_pieces(file.name, data):
                if content.no_trail is not None:
                    looking.files -= 1
                    looking.not_trail.append((file.name, content.no_trail))
                    break
                looking.through([content])


def _through_store(store: Path, looking: _Looking, answer: Answer) -> None:
    from sudo_mcp_guardrails.trail.trace.store import all_rows

    need("duckdb")
    with bar(answer, "looking at") as shown:

        def told() -> Iterator[Attributed]:
            for number, row in enumerate(all_rows(store)):
                if not number % _STEP:
                    shown.to(number)
                yield row

        looking.keep(looking.watch.over(told()))
    looking.trace(store)


def _standard_input() -> Iterator[FileContent]:
    """Yield what comes on standard input, as it comes: lines of JSON, or a whole trail file."""
    from sudo_mcp_guardrails.cli.errors import InputError
    from sudo_mcp_guardrails.trail.ingest import MAX_STORED_BYTES
    from sudo_mcp_guardrails.trail.reading import read_pieces

    held = b""
    whole = False
    stream = cast("io.BufferedReader", sys.stdin.buffer)  # read1 hands on what is there, and waits for no more
    while block := stream.read1(1 << 20):
        held += block
        # A file that is packed, or one object over many lines, has no end before its own.
        whole = whole or held[:1] not in {b"{", b"["} or held[:2] in {b"{\n", b"[\n", b"{\r", b"[\r"}
        if len(held) > MAX_STORED_BYTES:
            raise InputError(f"standard input has more than {MAX_STORED_BYTES} bytes without an end of line")
        if not whole and b"\n" in held:
            lines, _, held = held.rpartition(b"\n")
            yield from read_pieces("standard input", lines)
    if held.strip():
        for content in read_pieces("standard input", held):
            if content.no_trail is not None:
                raise InputError(f"standard input is no trail: {content.no_trail}")
            yield content


def _line(finding: Finding) -> Text:
    from sudo_mcp_guardrails.trail.trace.text import shown

    alert = finding.alert
    event = alert.subject.event
    parts: list[Any] = [
        (f"{event.event_time or 'no time':20} ", "dim"),
        (f"{alert.level.value:13} ", _COLOURS[alert.level]),
        (f"{alert.rule}: ", "bold"),
        shown(alert.sentence),
    ]
    if alert.contains:
        parts.append((" (contains the agent)", "bold red"))
    return Text.assemble(*parts)
