"""Where events go: options, and the sink and the attribution that they name."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.cli.output import Answer
    from sudo_mcp_guardrails.trail.attributing import Attributor
    from sudo_mcp_guardrails.trail.aws import AwsAccess
    from sudo_mcp_guardrails.trail.sinks.sink import Sink
    from sudo_mcp_guardrails.trail.sinks.transports import ClientTransport

KNOWLEDGE: Final = "knowledge.sqlite"
"""Of a store: what was learned of sessions and tool calls."""
DEAD_LETTERS: Final = "dead-letters"
LETTERS_HERE: Final = "agent-trail-dead-letters"
"""Where the dead letters of the OpenSearch sink go that was given no ``--store``: in the current directory."""

_SIGNED: Final = {".es.amazonaws.com": "es", ".es.amazonaws.com.cn": "es", ".aoss.amazonaws.com": "aoss"}


class SinkName(str, Enum):
    """A sink."""

    DUCKDB = "duckdb"
    OPENSEARCH = "opensearch"
    MEMORY = "memory"


SinkOption = Annotated[
    SinkName, typer.Option("--sink", help="Where events go: a directory, OpenSearch, or nowhere (to see the counts).")
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="Directory of the store; it is made where it is absent."),
]
ThatStoreOption = Annotated[Path, typer.Option("--store", metavar="DIR", help="Directory of the store.")]
UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="OPENSEARCH_URL", help="Of OpenSearch; an Amazon domain is signed for.")
]
PrefixOption = Annotated[
    str | None,
    typer.Option("--prefix", metavar="NAME", help="Of the indexes in OpenSearch; agent-trail when left out."),
]
NamesOption = Annotated[
    str | None,
    typer.Option("--prefix-names", metavar="NAME", help="Prefix of the agents' roles; mcp-guardrails when left out."),
]
ClientOption = Annotated[
    list[str] | None,
    typer.Option("--client", metavar="ARN=AGENT", help="Agent that an OAuth client belongs to; repeatable."),
]
BrokerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--broker",
        metavar="ARN",
        help="Role that mints agents' sessions: the tags of others' sessions are not believed; repeatable.",
    ),
]


@dataclass(frozen=True)
class StoreOptions:
    """What the options name.

    Attributes:
        sink: which sink.
        store: its directory.
        url: of OpenSearch.
        prefix: of the indexes.
        names: prefix of the agents' roles.
        clients: ``ARN=AGENT``, one each.
        brokers: ARNs of the roles that mint agents' sessions; where none is named, all tags are believed.
    """

    sink: SinkName = SinkName.DUCKDB
    store: Path | None = None
    url: str | None = None
    prefix: str | None = None
    names: str | None = None
    clients: Sequence[str] = ()
    brokers: Sequence[str] = ()


@dataclass(frozen=True)
class OpenStore:
    """A sink, and what tells whose work each event is."""

    sink: Sink
    attributor: Attributor


@contextmanager
def open_store(options: StoreOptions, aws: AwsAccess, answer: Answer, *, make: bool = True) -> Iterator[OpenStore]:
    """Open what the options name, and close it whatever comes.

    Args:
        options: what was asked for.
        aws: how to reach an Amazon domain.
        answer: where to say what the caller should know.
        make: whether a store that is absent is made.

    Raises:
        InputError: options are missing or do not fit.
        TrailError: the store cannot be opened.
    """
    from sudo_mcp_guardrails.trail.attributing import MemoryKnowledge
    from sudo_mcp_guardrails.trail.attributing.sqlite_store import SqliteKnowledge

    with ExitStack() as stack:
        sink = _sink(options, aws, answer, make=make)
        stack.callback(sink.close)
        knowledge: SqliteKnowledge | MemoryKnowledge = MemoryKnowledge()
        if options.store is not None and options.sink is not SinkName.MEMORY:
            knowledge = SqliteKnowledge(options.store / KNOWLEDGE)
            stack.callback(knowledge.close)
        yield OpenStore(sink, make_attributor(options, knowledge))


def make_attributor(options: StoreOptions, knowledge: object = None) -> Attributor:
    """Return what tells whose work an event is.

    Raises:
        InputError: ``--client`` is not ``ARN=AGENT``.
        InvalidAgentError: ``--prefix-names`` is none.
        TrailError: ``--broker`` is no role's ARN.
    """
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.trail.attributing import Attributor

    clients: dict[str, str] = {}
    for pair in options.clients:
        arn, separator, agent = pair.partition("=")
        if not separator or not agent or not arn.startswith("arn:"):
            raise InputError(f"--client {pair!r} is not allowed, expected ARN=AGENT")
        if clients.setdefault(arn, agent) != agent:
            raise InputError(f"--client names {arn!r} twice, for {clients[arn]!r} and {agent!r}")
    names = GuardrailNames(options.names) if options.names is not None else GuardrailNames()
    return Attributor(
        names,
        clients=clients,
        knowledge=knowledge,  # type: ignore[arg-type] # one of two, or None
        brokers=options.brokers or None,
    )


def that_store(store: Path) -> Path:
    """Return a store's directory.

    Raises:
        InputError: it is not there.
    """
    need("duckdb")
    if not (store / "segments").is_dir():
        raise InputError(f"store {str(store)!r} is not there, expected a directory that 'trail ingest' made")
    return store


def need(module: str) -> None:
    """Check that a package of the extra is there.

    Raises:
        InputError: it is not installed.
    """
    if find_spec(module) is None:
        raise InputError(f"{module} is not installed; it comes with: pip install 'sudo-mcp-guardrails[trail]'")


def _sink(options: StoreOptions, aws: AwsAccess, answer: Answer, *, make: bool) -> Sink:
    if options.sink is SinkName.DUCKDB:
        if options.url is not None and options.store is None:
            raise InputError("--sink duckdb needs --store; --url goes with --sink opensearch")
        if options.store is None:
            raise InputError("--sink duckdb needs --store, expected the directory of the store")
        from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink

        need("duckdb")
        return DuckDbSink(options.store if make else that_store(options.store))
    if options.sink is SinkName.MEMORY:
        from sudo_mcp_guardrails.trail.sinks.memory import MemorySink

        return MemorySink()
    return _opensearch(options, aws, answer)


def _opensearch(options: StoreOptions, aws: AwsAccess, answer: Answer) -> Sink:
    from sudo_mcp_guardrails.trail.index.names import PREFIX
    from sudo_mcp_guardrails.trail.index.template import IndexSettings
    from sudo_mcp_guardrails.trail.sinks.dead_letters import DirectoryDeadLetters
    from sudo_mcp_guardrails.trail.sinks.opensearch import OpenSearchSink, SinkOptions

    if options.url is None:
        raise InputError("--sink opensearch needs --url, or OPENSEARCH_URL in the environment")
    settings = IndexSettings(prefix=options.prefix or PREFIX)
    transport = connect(options.url, aws)
    if options.store is not None:
        try:
            options.store.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"store {str(options.store)!r} cannot be made: {error.strerror}") from error
        letters = options.store / DEAD_LETTERS
    else:
        letters = Path(LETTERS_HERE)
        answer.report(f"dead letters, if there are any, go to {letters}/ in this directory; --store names another")
    sink = SinkOptions(settings=settings)
    return OpenSearchSink(transport, DirectoryDeadLetters(letters), options=sink)


def connect(url: str, aws: AwsAccess) -> ClientTransport:
    """Return a connection to OpenSearch; requests to an Amazon domain are signed.

    Raises:
        InputError: opensearch-py is not installed.
        TrailError: the address is none, or there are no credentials or Region to sign with.
    """
    from sudo_mcp_guardrails.trail.sinks.transports import ClientTransport

    need("opensearchpy")
    host = _host(url)
    service = next((name for suffix, name in _SIGNED.items() if host.endswith(suffix)), None)
    if service is None:
        return ClientTransport.connect(url)
    # search-NAME.REGION.es.amazonaws.com
    region = host.split(".")[1] if host.count(".") > 2 else aws.region_name  # noqa: PLR2004 - at least that many
    return ClientTransport.connect(url, credentials=aws.credentials(), region=region, service=service)


def _host(url: str) -> str:
    """Return the host of an address; nothing for what is none, which is said when it is connected to."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
