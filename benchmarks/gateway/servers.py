"""What the latency of proxies is measured with: a server that echoes, and a proxy made of the SDK's own parts.

``python -m benchmarks.gateway.servers echo stdio``, ``echo PORT``, ``proxy stdio COMMAND…`` or ``proxy PORT URL``.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import uvicorn
from mcp import Client, StdioServerParameters
from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


def echo(how: str) -> None:
    """Run the server that echoes."""
    server = MCPServer("echo", log_level="ERROR")
    server.tool(name="echo")(lambda text: text)
    if how == "stdio":
        server.run("stdio")
    else:
        _listen(server.streamable_http_app(), how)


async def proxy(how: str, upstream: Any) -> None:  # noqa: ANN401 - a URL or parameters
    """Run an SDK client glued to an SDK server: each message is parsed, validated and written anew, twice."""
    async with Client(upstream) as client:

        async def list_tools(_ctx: Any, _params: Any) -> Any:  # noqa: ANN401 - the SDK's types
            return await client.list_tools()

        async def call_tool(_ctx: Any, params: Any) -> Any:  # noqa: ANN401 - the SDK's types
            return await client.call_tool(params.name, params.arguments or {})

        server: Server[Any] = Server("proxy", on_list_tools=list_tools, on_call_tool=call_tool)
        if how == "stdio":
            async with stdio_server() as (read, write):
                await server.run(read, write, server.create_initialization_options())
        else:
            config = _config(server.streamable_http_app(), how)
            await uvicorn.Server(config).serve()


def _config(app: Any, port: str) -> uvicorn.Config:  # noqa: ANN401 - an ASGI application
    return uvicorn.Config(app, host="127.0.0.1", port=int(port), log_level="error", access_log=False)


def _listen(app: Any, port: str) -> None:  # noqa: ANN401 - an ASGI application
    uvicorn.Server(_config(app, port)).run()


def main(arguments: list[str]) -> None:
    """Run what is asked for."""
    logging.disable(logging.WARNING)
    kind, how, *rest = arguments
    if kind == "echo":
        echo(how)
    elif how == "stdio":
        asyncio.run(proxy(how, StdioServerParameters(command=rest[0], args=rest[1:])))
    else:
        asyncio.run(proxy(how, rest[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
