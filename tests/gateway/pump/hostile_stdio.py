"""A server on pipes that does wrong what can be done wrong, by the name of the tool; without the SDK."""

# ruff: noqa: T201 - it speaks on standard output
from __future__ import annotations

import json
import os
import sys
import time

for line in sys.stdin.buffer:
    message = json.loads(line)
    id, tool = message.get("id"), message.get("params", {}).get("name")
    said = json.dumps({"jsonrpc": "2.0", "id": id, "result": {"content": [], "tool": tool}})
    if tool == "die":
        os._exit(7)
    if tool == "hang" or id is None:
        continue
    if tool == "foreign":
        print(said.replace(f'"id": {id}', '"id": 999'), flush=True)
        print("this is not JSON", flush=True)
        print(json.dumps({"jsonrpc": "2.0", "id": 4, "error": {"code": 1, "message": ""}}), flush=True)
    if tool == "twice":
        print(said, flush=True)
    if tool == "big":
        print(json.dumps({"jsonrpc": "2.0", "id": id, "result": {"x": "x" * 17 * 2**20}}), flush=True)
        continue
    if tool == "flood":
        notice = (
            json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 1000}}) + "\n"
        )
        ends = time.monotonic() + 3
        count = 0
        while time.monotonic() < ends:
            sys.stdout.write(notice * 100)
            count += 100
        sys.stderr.write(f"wrote {count}\n")
    if tool == "environment":
        own = [name for name in os.environ if name.startswith("MCP_GUARDRAILS_")]
        said = json.dumps({"jsonrpc": "2.0", "id": id, "result": {"content": [], "own": own}})
    print(said, flush=True)
