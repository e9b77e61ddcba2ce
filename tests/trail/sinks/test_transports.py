from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import Credentials

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.sinks.transports import Answer, ClientTransport, SignedTransport, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.trail.sinks.transports import Transport

    Connect = Callable[..., Transport]

KEYS = Credentials("AKIAEXAMPLE", "secret", "token")


@dataclass
class Server:
    """Answers as it is told, and remembers what it was asked."""

    url: str = ""
    status: int = 200
    content: bytes = b"{}"
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.asked.append((self.command, self.path, headers, body))
            self.send_response(told.status)
            self.send_header("content-type", "application/json; charset=UTF-8")
            self.send_header("content-length", str(len(told.content)))
            self.end_headers()
            self.wfile.write(told.content)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    http = HTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    http.shutdown()
    thread.join()
    http.server_close()


both = pytest.mark.parametrize("connect", [ClientTransport.connect, SignedTransport], ids=["client", "signed"])


@both
def test_request_is_signed_for_the_domain(connect: Connect, server: Server) -> None:
    transport = connect(server.url, credentials=KEYS, region="eu-central-1")
    assert transport.send("POST", "/_bulk", body=b'{"a":1}\n', query={"filter_path": "items.*._index"}) == Answer(
        200, {}
    )
    transport.close()
    ((method, path, headers, body),) = server.asked
    assert (method, path, body) == ("POST", "/_bulk?filter_path=items.%2A._index", b'{"a":1}\n')
    assert headers["content-type"] == "application/x-ndjson"
    assert headers["x-amz-security-token"] == "token"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "/eu-central-1/es/aws4_request" in headers["authorization"]
    assert len(headers["x-amz-content-sha256"]) == 64


@both
def test_errors_are_answers(connect: Connect, server: Server) -> None:
    transport = connect(server.url)
    server.status, server.content = 400, json.dumps({"error": {"type": "t", "reason": "a\nb"}, "status": 400}).encode()
    answer = transport.send("PUT", "/x", body=b"{}")
    assert (answer.status, answer.reason) == (400, "t: a b")
    server.status, server.content = 403, json.dumps({"Message": "User: anonymous is not authorized"}).encode()
    assert "not authorized" in transport.send("GET", "/x").reason
    server.status, server.content = 503, b"<html>unavailable</html>"
    assert transport.send("GET", "/x").status == 503
    transport.close()


@both
def test_success_without_json_is_no_answer(connect: Connect, server: Server) -> None:
    transport = connect(server.url)
    server.content = b'{"cut": '
    with pytest.raises(UnreachableError, match="no JSON"):
        transport.send("GET", "/x")
    transport.close()


@both
def test_nobody_there_is_no_answer(connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: connections are refused
        transport = connect(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(UnreachableError, match="no answer from http://127"):
            transport.send("GET", "/x")
        transport.close()


@both
def test_silence_ends(connect: Connect) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        transport = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(UnreachableError):
            transport.send("GET", "/x")
        transport.close()


@both
def test_credentials_need_a_region(connect: Connect) -> None:
    with pytest.raises(TrailError, match="cannot be signed without a Region"):
        connect("https://search.example.com", credentials=KEYS)


@both
@pytest.mark.parametrize("url", ["search.example.com", "ftp://x", "http://", "http://x?y", "http://[", "http://x:port"])
def test_address_that_is_none_is_refused(connect: Connect, url: str) -> None:
    with pytest.raises(TrailError, match="the address of OpenSearch is not allowed"):
        connect(url)


def test_password_is_in_no_message(server: Server) -> None:
    url = server.url.replace("http://", "http://user:hunter2@")
    transport = ClientTransport.connect(url)
    assert "hunter2" not in transport.where
    server.status = 200
    transport.send("GET", "/x")
    transport.close()
    assert server.asked[0][2]["authorization"].startswith("Basic ")
    with pytest.raises(TrailError, match="must not have a user") as caught:
        SignedTransport(url)
    assert "hunter2" not in str(caught.value)
