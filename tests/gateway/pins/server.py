"""A server of both eras without any SDK, which misbehaves as its first argument says."""

from __future__ import annotations

import json
import os
import sys
import time

MODE = sys.argv[1] if len(sys.argv) > 1 else ""
ERA = "2026-07-28"


def answer(method: str, parameters: dict[str, object]) -> dict[str, object] | None:
    if method == "initialize":
        return {
            "protocolVersion": "2025-11-25",
            "serverInfo": {"name": "own", "version": "1"},
            "capabilities": {"tools": {}},
        }
    if method == "server/discover" and MODE != "old":
        return {"supportedVersions": [ERA], "capabilities": {"tools": {}}, "resultType": "complete", "ttlMs": 1}
    if method == "tools/list":
        if MODE == "endless":
            return {"tools": [], "nextCursor": "more"}
        text = str(time.time_ns()) if MODE == "restless" else "Adds."
        if MODE == "environment":
            text = os.environ.get("PLANTED", "no")
        first = {"name": "a", "description": text, "inputSchema": {"type": "object"}}
        second = {"name": "b", "inputSchema": {"type": "object"}}
        return {"tools": [second]} if "cursor" in parameters else {"tools": [first], "nextCursor": "2"}
    return None


def main() -> None:
    if MODE == "dead":
        return
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        if MODE == "noise":
            sys.stdout.write(
                '\n{"jsonrpc":"2.0","method":"notifications/x"}\n{"jsonrpc":"2.0","id":7,"method":"ping"}\n'
            )
        if MODE == "garbage":
            sys.stdout.write("not json\n")
        if MODE == "flood":
            sys.stdout.write('{"jsonrpc":"2.0","id":999,"result":{}}\n' * 2000)
        result = answer(message["method"], message.get("params") or {})
        error = {"code": -32601, "message": "unknown method"}
        body = {"error": error} if result is None else {"result": result}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
