from __future__ import annotations

import asyncio
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.gateway.conformance.suite import free_port
from tests.gateway.pump.making import MODERN, call
from tests.gateway.pump.running import GUARD, guarded, listening, server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[str, str]]:
    with guarded("hostile_http", "--no-checks", "--call-seconds", "4") as urls:
        yield urls


def head(tool: str = "t", **more: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
        **more,
    }


async def post(
    session: aiohttp.ClientSession, url: str, tool: str = "t", id: Any = 1, **more: str
) -> tuple[int, bytes]:
    body = json.dumps(call(id, tool, meta=MODERN)).encode()
    async with session.post(f"{url}/mcp", data=body, headers=head(tool, **more)) as response:
        return response.status, await response.read()


def asked(url: str, tool: str = "t", **more: str) -> tuple[int, Any]:
    async def go() -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session:
            return await post(session, url, tool, **more)

    status, body = asyncio.run(asyncio.wait_for(go(), 30))
    text = body.decode()
    if text.startswith(("id:", "event:", "data:", ":")):
        text = text.rstrip().rpartition("data: ")[2]
    return status, json.loads(text) if text else None


def raw(url: str, data: bytes, headers: dict[str, str], method: str = "POST") -> tuple[int, bytes]:
    async def go() -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session, session.request(method, url, data=data, headers=headers) as got:
            return got.status, await got.read()

    return asyncio.run(asyncio.wait_for(go(), 30))


def seen(direct: str) -> Any:
    return json.loads(raw(f"{direct}/seen", b"", {}, "GET")[1])


@pytest.mark.parametrize(
    ("tool", "code"),
    [
        ("hang", -32001),
        ("die", -32000),
        ("end", -32000),
        ("redirect", -32005),
        ("refuse", -32000),
        ("big", -32003),
        ("foreign", -32005),
        ("twice", -32005),
        ("batch", -32005),
        ("html", -32005),
    ],
)
def test_what_a_hostile_server_does_ends_in_a_typed_error_and_is_asked_once(
    hostile: tuple[str, str], tool: str, code: int
) -> None:
    direct, url = hostile
    before = seen(direct)["executed"].get(tool, 0)
    status, answer = asked(url, tool)
    assert (answer["id"], answer["error"]["code"]) == (1, code)
    assert status in {200, 413, 502, 504}
    assert "instructions" not in str(answer)
    assert seen(direct)["executed"][tool] == before + 1


def test_no_token_and_no_cookie_reaches_the_server(hostile: tuple[str, str]) -> None:
    direct, url = hostile
    assert (
        asked(url, authorization="Bearer secret", cookie="a=b", **{"x-forwarded-for": "1", "x-api-key": "k"})[0] == 200
    )
    came = set(seen(direct)["headers"])
    assert came <= {
        "host",
        "user-agent",
        "accept-encoding",
        "content-type",
        "accept",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "content-length",
    }


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        (b"{", head(), 400),
        (b"[]", head(), 400),
        (json.dumps(call(1, meta=MODERN)).encode(), head("other"), 400),
        (json.dumps(call(1, meta=MODERN)).encode(), {**head(), "content-type": "text/plain"}, 415),
        (json.dumps(call(1, meta=MODERN)).encode(), {**head(), "host": "evil.example"}, 403),
        (json.dumps(call(1, meta=MODERN)).encode(), {**head(), "origin": "http://evil.example"}, 403),
        (json.dumps(call(1, meta=MODERN)).encode(), {**head(), "mcp-guardrails-context": "x.y"}, 403),
        (json.dumps(call(1)).encode(), {"content-type": "application/json", "mcp-session-id": "guessed"}, 404),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', {"content-type": "application/json"}, 400),
    ],
)
def test_what_is_refused_never_reaches_the_server(
    hostile: tuple[str, str], data: bytes, headers: dict[str, str], status: int
) -> None:
    direct, url = hostile
    before = seen(direct)["executed"]
    got, answer = raw(f"{url}/mcp", data, headers)
    assert got == status
    assert not answer or json.loads(answer)["error"]["message"]
    assert seen(direct)["executed"] == before


@pytest.mark.parametrize("length", [True, False])
def test_a_hundred_megabytes_are_not_kept(hostile: tuple[str, str], *, length: bool) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 2**20

    async def go() -> int:
        data: Any = io.BytesIO(b"x" * (5 * 2**20)) if length else endless()
        async with aiohttp.ClientSession() as session:
            try:
                async with session.post(f"{hostile[1]}/mcp", data=data, headers=head()) as response:
                    return response.status
            except aiohttp.ClientError:
                return 413  # the guard hung up while more was coming

    before = seen(hostile[0])["executed"]
    assert asyncio.run(asyncio.wait_for(go(), 30)) == 413
    assert seen(hostile[0])["executed"] == before
    assert asked(hostile[1])[0] == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # connections that were cut on purpose
def test_other_clients_are_answered_beside_a_server_that_hangs_floods_or_dies(hostile: tuple[str, str]) -> None:
    """200 clients, side by side, and 21 more, whose calls go wrong in each way; how much slower, no test can say."""

    async def client(session: aiohttp.ClientSession, number: int) -> int:
        for turn in range(5):
            await asyncio.sleep(0.4 + (number % 40) / 100)
            status, body = await post(session, hostile[1], id=number * 10 + turn)
            assert (status, json.loads(body)["id"]) == (200, number * 10 + turn)
        return turn + 1

    async def bad(session: aiohttp.ClientSession, tool: str) -> None:
        while True:
            await asyncio.sleep(0.5)
            async with session.post(
                f"{hostile[1]}/mcp", data=json.dumps(call(1, tool, meta=MODERN)), headers=head(tool)
            ) as response:
                async for _ in response.content.iter_any():
                    pass

    async def go() -> int:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            others = [
                asyncio.ensure_future(bad(session, tool))
                for tool, times in (("hang", 10), ("flood", 1), ("die", 10))
                for _ in range(times)
            ]
            answered = await asyncio.gather(*(client(session, number) for number in range(200)))
            for each in others:
                each.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        return sum(answered)

    assert asyncio.run(asyncio.wait_for(go(), 120)) == 1000


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("behind", ["url", "child"])
def test_clients_of_either_era_by_the_sdk(mode: str, behind: str) -> None:
    from mcp import Client
    from mcp_types import ElicitResult

    async def answer(_context: Any, _params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"approve": True})

    approve: Any = answer

    async def go(url: str) -> list[str]:
        async with Client(url, mode=mode, elicitation_callback=approve) as client:
            await client.list_tools()
            several = [client.call_tool("slow", {"seconds": 0.1}), client.call_tool("echo", {"text": "x"})]
            said = [*await asyncio.gather(*several)]
            said += [await client.call_tool("count", {}) for _ in range(2)]
            return [getattr(each.content[0], "text", "") for each in said]

    check = ("--check", "tests.gateway.pump.checks:asks")
    if behind == "url":
        with guarded("echo_server", *check) as (_, url):
            assert asyncio.run(asyncio.wait_for(go(f"{url}/mcp"), 60)) == ["done", "x", "1", "2"]
        return
    port = free_port()
    command = [*GUARD, *check, "--http", "--listen", f"127.0.0.1:{port}", "--", *server("echo_server", "stdio")]
    with listening(command, port):
        assert asyncio.run(asyncio.wait_for(go(f"http://127.0.0.1:{port}/mcp"), 60)) == ["done", "x", "1", "2"]


def test_a_session_is_its_openers_and_each_has_its_own_child(tmp_path: Any) -> None:
    clients = tmp_path / "clients.json"
    clients.write_text(json.dumps({hashlib.sha256(each.encode()).hexdigest(): each for each in ("alice", "bob")}))
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    options = ["--no-checks", "--clients", str(clients), "--http", "--listen", f"127.0.0.1:{port}"]
    plain = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
    }

    async def go() -> None:
        async with aiohttp.ClientSession() as session:

            async def ask(who: str, body: Any, id: str = "") -> tuple[int, str, Any]:
                headers = {**plain, "authorization": f"Bearer {who}", **({"mcp-session-id": id} if id else {})}
                async with session.post(url, data=json.dumps(body), headers=headers) as response:
                    text = (await response.read()).decode()
                    text = text.rpartition("data: ")[2] if text.startswith("event") else text
                    return (
                        response.status,
                        response.headers.get("mcp-session-id", ""),
                        json.loads(text) if text else None,
                    )

            assert (await ask("mallory", hello))[0] == 401
            ids = {}
            for who in ("alice", "bob"):
                status, ids[who], _ = await ask(who, hello)
                assert status == 200
                await ask(who, {"jsonrpc": "2.0", "method": "notifications/initialized"}, ids[who])
            for turn in (1, 2):
                counted = (await ask("alice", call(turn + 1, "count"), ids["alice"]))[2]
                assert counted["result"]["content"][0]["text"] == str(turn)
            assert (await ask("bob", call(2, "count"), ids["bob"]))[2]["result"]["content"][0]["text"] == "1"
            assert (await ask("bob", call(3, "count"), ids["alice"]))[0] == 404
            token = {"authorization": "Bearer alice", "mcp-session-id": ids["alice"]}
            async with session.delete(url, headers=token) as response:
                assert response.status == 200
            assert (await ask("alice", call(9, "count"), ids["alice"]))[0] == 404

    with listening([*GUARD, *options, "--", *server("echo_server", "stdio")], port):
        asyncio.run(asyncio.wait_for(go(), 60))


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("behind", ["url", "child"])
def test_the_guard_looks_at_the_tools_itself_before_the_first_call(era: str, behind: str) -> None:
    """A check of lists that hides a tool from every session has seen it before anybody listed anything."""
    options = ["--check", "tests.gateway.pump.checks:Listed"]
    if behind == "url":
        with guarded("echo_server", *options) as (_, url):
            asyncio.run(_first_call(f"{url}/mcp", era))
        return
    port = free_port()
    command = [*GUARD, *options, "--http", "--listen", f"127.0.0.1:{port}", "--", *server("echo_server", "stdio")]
    with listening(command, port):
        asyncio.run(_first_call(f"http://127.0.0.1:{port}/mcp", era))


async def _first_call(url: str, era: str) -> None:
    from mcp import Client

    async with Client(url, mode="2026-07-28" if era == "modern" else "legacy") as client:
        said = await client.call_tool("echo", {"text": "hello"})
        assert not said.is_error, said
        assert said.content[0].text == "hello"  # type: ignore[union-attr]  # it is text
