"""Large messages: what a large result means to the calls beside it, and what the guard keeps of many calls."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

from benchmarks.gateway import memory
from sudo_mcp_guardrails.gateway.call import ToolResult
from sudo_mcp_guardrails.gateway.pump.heavy import HEAVY, LONG, released, warmed
from sudo_mcp_guardrails.gateway.pump.messages import read
from sudo_mcp_guardrails.gateway.results.check import ResultCheck
from tests.gateway.pump.making import Check, answer, call, link_of, take, told
from tests.gateway.pump.swapping_server import ROWS

if TYPE_CHECKING:
    from pathlib import Path

BIG = json.dumps(answer(1, {"content": [], "structuredContent": {"rows": ROWS}})).encode()


def test_a_large_result_is_judged_as_a_small_one_and_nobody_waits_for_it() -> None:
    """The loop's own turns are counted while a megabyte is judged."""
    assert len(BIG) > 1_000_000
    link = link_of(ResultCheck())
    take(link, call(1))
    whole = time.thread_time()
    ResultCheck().after(link.session, _called(link), _result())
    whole = time.thread_time() - whole
    mine = 0.0

    async def go() -> bytes | None:
        nonlocal mine
        began = time.thread_time()
        step = await released(link, BIG)
        mine = time.thread_time() - began
        return step.client

    before = sys.getswitchinterval()
    said = asyncio.run(go())
    assert sys.getswitchinterval() == before
    assert told(said)["result"]["structuredContent"]["rows"] == ROWS
    # What the loop itself spends is a small part of what it takes to judge the result.
    assert mine < whole / 2, (mine, whole)


def test_what_a_check_said_apart_counts_and_one_that_fails_there_denies() -> None:
    class Failing(Check):
        apart = True

        def after(self, *_: Any) -> Any:
            raise ValueError("no")

    link = link_of(Failing())
    take(link, call(1))
    said = told(asyncio.run(released(link, BIG)).client)
    assert "[guard.check-failed]" in said["result"]["content"][0]["text"]
    secret = {"content": [], "structuredContent": {"password": "hunter2Hunter2xyz", "rows": ROWS}}
    link = link_of(ResultCheck())
    take(link, call(1))
    said = told(asyncio.run(released(link, json.dumps(answer(1, secret)).encode())).client)
    assert said["result"]["structuredContent"]["password"].startswith("****")


def test_a_large_message_that_is_none_ends_its_request() -> None:
    link = link_of()
    take(link, call(1))
    raw = b'{"jsonrpc":"2.0","id":1,"result":{"x":' + b"[" * HEAVY + b"]" * HEAVY + b"}}"
    step = asyncio.run(released(link, raw, next(iter(link.pending.values()))))
    assert told(step.client)["error"]["code"] == -32005


def test_a_long_script_is_read_apart_and_a_short_one_is_not() -> None:
    seen: list[str] = []

    class Warm(Check):
        def warm(self, tool: str, arguments: Any) -> None:
            seen.append(f"{tool} {len(arguments['code'])}")

    link = link_of(Warm())
    for size in (10, LONG):
        message = read(json.dumps(call(1, "aws___run_script", {"code": "x" * size})).encode(), 128)
        asyncio.run(warmed(link.guard, message))
    assert seen == [f"aws___run_script {LONG}"]


def test_the_guard_keeps_nothing_of_a_call(tmp_path: Path) -> None:
    """The benchmark makes 100,000; here it is the objects that are counted, of every check there is."""
    link = memory.link_of(tmp_path)
    link.look({"tools": [memory.TOOL]})
    for number in range(600):
        memory.one(link, number)
    tracemalloc.start()
    try:
        for number in range(600, 900):
            memory.one(link, number)
        before = tracemalloc.get_traced_memory()[0]
        for number in range(900, 1500):
            memory.one(link, number)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 600 * 400, grown


def _called(link: Any) -> Any:
    return next(iter(link.pending.values())).call


def _result() -> ToolResult:
    return ToolResult(json.loads(BIG)["result"], len(BIG))
