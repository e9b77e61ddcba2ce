"""A server of MCP, by its own SDK, as a child process: ``python echo_server.py stdio`` or ``http PORT``."""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from mcp.server import MCPServer

server = MCPServer("echo")
runs = 0


@server.tool()
def echo(text: str) -> str:
    """Say it again."""
    return text


@server.tool()
def count() -> int:
    """Count how often this was called."""
    global runs  # noqa: PLW0603 - what is counted
    runs += 1
    return runs


@server.tool()
async def slow(seconds: float) -> str:
    """Take time."""
    await asyncio.sleep(seconds)
    return "done"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        app = server.streamable_http_app()
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
