from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.pump.making import call
from tests.gateway.pump.running import GUARD, ROOT, Pipes, server

pytestmark = pytest.mark.integration

HOSTILE = ("--no-checks", "--", *server("hostile_stdio"))


def spoken(*options: str, mode: str, approve: bool | None) -> tuple[list[str], list[Any]]:
    """Return the names of the tools, and what three calls said, by the SDK's own client."""
    from mcp import Client, StdioServerParameters
    from mcp_types import ElicitResult

    async def answer(_context: Any, _params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"approve": approve})

    callback: Any = None if approve is None else answer

    async def go() -> tuple[list[str], list[Any]]:
        arguments = [*GUARD[1:], *options, "--", *server("echo_server", "stdio")]
        parameters = StdioServerParameters(
            command=sys.executable, args=arguments, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        async with Client(parameters, mode=mode, elicitation_callback=callback) as client:
            names = [each.name for each in (await client.list_tools()).tools]
            said = [await client.call_tool("echo", {"text": "x"})]
            said += [await client.call_tool("count", {}) for _ in range(2)]
            return names, [getattr(each.content[0], "text", "") for each in said]

    return asyncio.run(asyncio.wait_for(go(), 60))


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_client_of_either_era_asks_its_user_and_the_call_is_made_once(mode: str) -> None:
    options = ("--check", "tests.gateway.pump.checks:asks")
    names, said = spoken(*options, mode=mode, approve=True)
    assert (names, said) == (["echo", "count", "slow"], ["x", "1", "2"])
    _, said = spoken(*options, mode=mode, approve=False)
    assert "approval.refused" in said[1]
    _, said = spoken(*options, mode=mode, approve=None)
    assert "cannot ask" in said[1]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_denied_call_is_not_made(mode: str) -> None:
    _, said = spoken("--check", "tests.gateway.pump.checks:denies", mode=mode, approve=True)
    assert said[0] == "x"
    assert "Denied by the guard" in said[1]


def test_what_is_malformed_is_answered_and_the_next_is_served() -> None:
    guard = Pipes(*HOSTILE)
    guard.say(b"{", b"[]", b'{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}', b"x" * (5 * 2**20), call(2))
    codes = [guard.hear()["error"]["code"] for _ in range(4)]
    assert codes == [-32700, -32600, -32700, -32003]
    assert guard.hear()["id"] == 2
    assert guard.end()[0] == 0


def test_a_server_that_lies_reaches_nobody() -> None:
    guard = Pipes(*HOSTILE)
    guard.say(call(1, "foreign"), call(2, "twice"), call(3))
    assert [guard.hear()["id"] for _ in range(3)] == [1, 2, 3]
    guard.say(call(4, "big"))
    assert guard.hear()["error"]["code"] == -32003
    guard.say(call(5))
    assert guard.hear()["id"] == 5
    guard.end()


def test_a_server_that_dies_ends_what_is_open_with_a_typed_error() -> None:
    guard = Pipes(*HOSTILE)
    guard.say(call(1, "hang"), call(2, "die"))
    ended = [guard.hear() for _ in range(2)]
    assert [each["id"] for each in ended] == [1, 2]
    assert {each["error"]["code"] for each in ended} == {-32000}
    assert "code 7" in ended[0]["error"]["message"]
    assert guard.end()[0] == 1


def test_a_server_that_hangs_is_given_up() -> None:
    guard = Pipes("--call-seconds", "1", *HOSTILE)
    guard.say(call(1, "hang"), call(2))
    assert guard.hear()["id"] == 2
    assert guard.hear()["error"]["code"] == -32001
    guard.end()


def test_a_server_that_floods_waits_for_a_client_that_does_not_read() -> None:
    guard = Pipes(*HOSTILE)
    guard.say(call(1, "flood"))
    time.sleep(5)
    pages = int(Path(f"/proc/{guard.process.pid}/statm").read_text(encoding="ascii").split()[1])
    assert pages * os.sysconf("SC_PAGE_SIZE") < 150 * 2**20
    seen = 0
    while "id" not in guard.hear():
        seen += 1
    assert seen > 100
    guard.end()


def test_the_guards_own_variables_stay_its_own() -> None:
    guard = Pipes(*HOSTILE, MCP_GUARDRAILS_HOST_KEY="ab" * 32)
    guard.say(call(1, "environment"))
    assert guard.hear()["result"]["own"] == []
    guard.end()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "expected a server"),
        (("--no-checks",), "expected a server"),
        (("--", "true"), "expected --config"),
        (("--no-checks", "--url", "http://x/", "--", "true"), "expected a server"),
        (("--no-checks", "--", "/nowhere/server"), "does not start"),
        (("--no-checks", "--capability", "admin", "--", "true"), "expected read or plan or apply"),
        (("--check", "no.such:thing", "--", "true"), "expected MODULE:NAME"),
        (("--no-checks", "--url", "ftp://x/"), "expected http or https"),
        (("--no-checks", "--url", "http://x/", "--listen", "here"), "expected HOST:PORT"),
        (("--no-checks", "--url", "http://127.0.0.1:1/", "--listen", "0.0.0.0:0"), "without clients"),
        (("--no-checks", "--url", "http://127.0.0.1:1/", "--header", "a=NOT_SET"), "expected NAME=VARIABLE"),
        (("--no-checks", "--url", "http://127.0.0.1:1/", "--sign", "s3"), "expected SERVICE/REGION"),
        (("--no-checks", "--intent-file", "/nowhere", "--", "true"), "cannot be read"),
    ],
)
def test_a_guard_that_cannot_tell_does_not_start(options: tuple[str, ...], said: str) -> None:
    code, error = Pipes(*options, "--server", "x").end()
    assert code == 2
    assert said in error
