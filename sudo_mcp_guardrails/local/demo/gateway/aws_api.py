"""Start ``awslabs.aws-api-mcp-server`` without the internet; run by the Python of its own environment.

As it comes it asks a service of AWS for a list at its start. Here that list is an empty one, from loopback: operations
that its own metadata do not know then count as no reads.
"""

from __future__ import annotations

import http.server
import importlib
import threading
from typing import Any


class _Nothing(http.server.BaseHTTPRequestHandler):
    """Answers that there are no services."""

    def do_GET(self) -> None:
        """Answer with an empty list."""
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the base class's
        """Say nothing: standard error is the guard's."""


def main() -> None:
    """Serve on standard input and output."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    operations = importlib.import_module("awslabs.aws_api_mcp_server.core.metadata.read_only_operations_list")
    vars(operations)["SERVICE_REFERENCE_URL"] = f"http://127.0.0.1:{server.server_port}/"
    importlib.import_module("awslabs.aws_api_mcp_server.server").main()


if __name__ == "__main__":
    main()
