"""``mcp-guardrails gateway -- COMMAND…`` and ``--url URL``: stand between an MCP client and a server.

On standard input and output where only a command is given, as a client starts it in place of the server; on streamable
HTTP with ``--url`` or ``--listen``. Standard output carries the protocol alone; what the guard has to say goes to
standard error. Exit code 0 where the client ended, 1 where the server did, 2 where the guard could not start.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.gateway.given import Given
from sudo_mcp_guardrails.cli.gateway.starting import certificates, require_extra, way_of
from sudo_mcp_guardrails.cli.output import UNKNOWN, write_error
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.pump.pending import Shared
    from sudo_mcp_guardrails.gateway.pump.way import Way

_PORTS = range(65_536)


def run(
    *,
    command: Annotated[
        list[str] | None, typer.Argument(help="The server, behind --, as its client would start it.")
    ] = None,
    url: Annotated[str, typer.Option(help="The server's endpoint, where it is on streamable HTTP.")] = "",
    listen: Annotated[
        str, typer.Option(help="HOST:PORT to serve clients on over HTTP; port 0 takes a free one.")
    ] = "127.0.0.1:8484",
    http: Annotated[bool, typer.Option("--http", help="Serve clients over HTTP in front of a COMMAND too.")] = False,
    server: Annotated[str, typer.Option(help="The server's name in records and questions.")] = "",
    agent: Annotated[str, typer.Option(help="Name of the agent.")] = "agent",
    capability: Annotated[
        str, typer.Option(help="read, plan or apply: of the credentials behind this guard.")
    ] = "read",
    run_id: Annotated[str, typer.Option("--run", help="The run of the broker's session.")] = "",
    intent_file: Annotated[
        Path | None, typer.Option(help="File with the user's words, which the model cannot write.")
    ] = None,
    sop: Annotated[str, typer.Option(help="Name of the SOP that is followed.")] = "",
    check: Annotated[
        list[str] | None, typer.Option(help="MODULE:NAME of a check, or of what makes one; repeatable.")
    ] = None,
    no_checks: Annotated[bool, typer.Option("--no-checks", help="Pump without any check, to measure it.")] = False,
    config: Annotated[
        Path | None, typer.Option(help="Configuration of the decision; brings the checks of pins and the decision.")
    ] = None,
    lock: Annotated[
        Path | None, typer.Option(help="Lock file of the pins; brings the checks of pins, results and taint.")
    ] = None,
    records: Annotated[Path | None, typer.Option(help="Folder in which a file of signed records is begun.")] = None,
    records_key: Annotated[Path | None, typer.Option(help="PEM file of the Ed25519 key that signs them.")] = None,
    sandbox: Annotated[
        bool | None,
        typer.Option("--sandbox/--no-sandbox", help="Run the COMMAND in a sandbox. Default: yes, with checks."),
    ] = None,
    reach: Annotated[
        list[str] | None, typer.Option(help="HOST[:PORT] that the COMMAND may reach in its sandbox; repeatable.")
    ] = None,
    clients: Annotated[
        Path | None, typer.Option(help="JSON file: principals of HTTP clients by the SHA-256 of their bearer tokens.")
    ] = None,
    issuer: Annotated[str, typer.Option(help="Whose access tokens HTTP clients must have, as 'iss' names it.")] = "",
    jwks: Annotated[str, typer.Option(help="Its keys: an https URL, or a file.")] = "",
    audience: Annotated[str, typer.Option(help="This guard's own URL, which 'aud' must hold.")] = "",
    scope: Annotated[str, typer.Option(help="What 'scope' must hold.")] = "",
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="Further HOST:PORT by which HTTP clients reach it; repeatable.")
    ] = None,
    trust_trace: Annotated[
        bool, typer.Option("--trust-trace", help="Tell sessions over HTTP apart by their traceparent too.")
    ] = False,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME=VARIABLE: a header to the server, from the environment; repeatable.")
    ] = None,
    sign: Annotated[
        str, typer.Option(help="SERVICE/REGION: sign requests to the server by SigV4, as aws-mcp/us-east-1.")
    ] = "",
    call_seconds: Annotated[float, typer.Option(help="For the server, from a request to its answer.")] = 300.0,
    approval_seconds: Annotated[float, typer.Option(help="For a person to answer.")] = 300.0,
) -> None:
    """Stand between an MCP client and a server, and let through what the checks allow."""
    given = Given(
        server=server,
        agent=agent,
        capability=capability,
        run=run_id,
        intent_file=intent_file,
        sop=sop,
        checks=tuple(check or ()),
        no_checks=no_checks,
        clients=clients,
        hosts=tuple(allowed_host or ()),
        trust_trace=trust_trace,
        headers=tuple(header or ()),
        sign=sign,
        call_seconds=call_seconds,
        approval_seconds=approval_seconds,
        issuer=issuer,
        jwks=jwks,
        audience=audience,
        scope=scope,
        config=config,
        lock=lock,
        records=records,
        records_key=records_key,
        sandbox=sandbox,
        reachable=tuple(reach or ()),
    )
    try:
        code = _start(given, command or [], url, listen if url or http else "")
    except GuardrailsError as error:
        write_error(str(error), as_json=False)
        raise typer.Exit(UNKNOWN) from error
    raise typer.Exit(code)


def _start(given: Given, command: list[str], url: str, listen: str) -> int:
    if bool(command) == bool(url):
        raise InputError("expected a server, either -- COMMAND… or --url URL")
    require_extra()
    from sudo_mcp_guardrails.gateway.pump.limits import Limits
    from sudo_mcp_guardrails.gateway.pump.pending import Shared
    from sudo_mcp_guardrails.gateway.pump.sealing import Sealer

    limits = Limits(call_seconds=given.call_seconds, approval_seconds=given.approval_seconds)
    name = given.server or (urlsplit(url).hostname or "" if url else Path(command[0]).name)
    if given.no_checks:
        sys.stderr.write("warning: --no-checks: every call passes\n")
    guard, lock = given.guard()
    shown, way = certificates(lock, name, command, url), way_of(given, command, pinned=lock is not None)
    shared = Shared(guard, name, Sealer(given.approval_seconds), limits)
    if listen:
        return _serve(given, shared, command, url, listen, way=way, shown=shown)

    from sudo_mcp_guardrails.gateway.pump.link import Link
    from sudo_mcp_guardrails.gateway.pump.serving import run as run_loop
    from sudo_mcp_guardrails.gateway.pump.stdio import StdioPump

    link = Link(shared, given.session())

    async def pump() -> int:
        return await StdioPump(link, command, way()).run()

    return run_loop(pump)


def _serve(
    given: Given,
    shared: Shared,
    command: list[str],
    url: str,
    listen: str,
    *,
    way: Callable[[], Way],
    shown: tuple[str, ...],
) -> int:
    from sudo_mcp_guardrails.gateway.pump.exchange import Exchange
    from sudo_mcp_guardrails.gateway.pump.front import Door
    from sudo_mcp_guardrails.gateway.pump.http import HttpPump
    from sudo_mcp_guardrails.gateway.pump.relay import Remote
    from sudo_mcp_guardrails.gateway.pump.remote import RemoteExchange
    from sudo_mcp_guardrails.gateway.pump.serving import listener, serve
    from sudo_mcp_guardrails.gateway.pump.serving import run as run_loop
    from sudo_mcp_guardrails.gateway.pump.sessions import Sessions

    host, port = _address(listen)
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username):
        raise InputError(f"URL {url!r} is not allowed, expected http or https with a host and without a user")
    principals, own, signer = given.principals(), given.own_headers(url), given.signer()
    sessions = Sessions(given.session(), shared.limits, key=given.host_key(), trust_trace=given.trust_trace)
    listening = listener(host, port)
    bound = listening.getsockname()[1]
    names = {f"{each}:{bound}" for each in ("127.0.0.1", "localhost", "[::1]")} | {each.lower() for each in given.hosts}
    if host not in {"127.0.0.1", "localhost", "::1"}:
        names.add(f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}")
    door = Door(frozenset(names), principals, tokens=given.tokens(), metadata=given.metadata)

    async def serving() -> int:
        exchange: Exchange
        if url:
            exchange = RemoteExchange(Remote(url, own, signer, shared.limits.answer_bytes, shown))
        else:
            from sudo_mcp_guardrails.gateway.pump.children import ChildExchange

            exchange = ChildExchange(command, shared.limits, way)
        sys.stderr.write(f"listening on http://{listen.rpartition(':')[0]}:{bound}/mcp\n")
        sys.stderr.flush()
        await serve(HttpPump(shared, door, sessions, exchange), exchange, listening)
        return 0

    return run_loop(serving)


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) not in _PORTS:
        raise InputError(f"--listen {listen!r} is not allowed, expected HOST:PORT")
    return host.strip("[]"), int(port)
