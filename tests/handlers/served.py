"""OpenSearch, S3, DynamoDB and Firehose as far as the pipeline's functions use them, behind one port of loopback.

Standard library alone: it is also run where nothing but boto3 is installed.
"""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


class Served(BaseHTTPRequestHandler):
    """Answers each request and remembers it in the server's ``state``."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_PUT(self) -> None:
        self._answer(self._body())

    def do_POST(self) -> None:
        self._answer(self._body())

    def do_DELETE(self) -> None:
        self._answer(b"")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _answer(self, body: bytes) -> None:
        state: dict[str, Any] = self.server.state  # type: ignore[attr-defined]
        path = unquote(urlsplit(self.path).path)
        state["requests"].append(f"{self.command} {path}")
        if target := self.headers.get("x-amz-target"):
            self._reply(200, self._target(state, target.partition(".")[2], json.loads(body)))
        elif path.startswith("/_"):
            self._reply(*self._search(state, path, body))
        else:
            self._reply(*self._s3(state, path, body))

    def _s3(self, state: dict[str, Any], path: str, body: bytes) -> tuple[int, bytes]:
        if self.command == "PUT":
            state["objects"][path] = body
            return 200, b""
        found = state["objects"].get(path)
        return (404, b"<Error><Code>NoSuchKey</Code></Error>") if found is None else (200, found)

    def _search(self, state: dict[str, Any], path: str, body: bytes) -> tuple[int, Any]:
        if path == "/_bulk":
            return 200, {"errors": False, "items": [*self._bulk(state, body)]}
        if path == "/_mget":
            docs = [state["events"].get(doc["_id"]) for doc in json.loads(body)["docs"]]
            return 200, {"docs": [{"found": True, "_source": doc} if doc else {"found": False} for doc in docs]}
        if self.command == "PUT":
            state["templates"][path] = json.loads(body)
            return 200, {"acknowledged": True}
        known = state["templates"].get(path)
        return (200, {"index_templates": [{"index_template": known}]}) if known else (404, {"error": "absent"})

    def _bulk(self, state: dict[str, Any], body: bytes) -> Any:
        lines = body.splitlines()
        for head, document in zip(lines[::2], lines[1::2], strict=True):
            [(operation, where)] = json.loads(head).items()
            new = where["_id"] not in state["events"]
            state["events"].setdefault(where["_id"], json.loads(document))
            yield {operation: {"_index": where["_index"], "_id": where["_id"], "status": 201 if new else 409}}

    def _target(self, state: dict[str, Any], operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "BatchWriteItem":
            for items in request["RequestItems"].values():
                state["ledger"] += [item["PutRequest"]["Item"] for item in items]
        if operation == "PutRecordBatch":
            state["records"] += [base64.b64decode(record["Data"]) for record in request["Records"]]
            return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "r"} for _ in request["Records"]]}
        return {"Items": state["ledger"], "Count": len(state["ledger"])} if operation == "Scan" else {}

    def _reply(self, status: int, body: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve() -> tuple[ThreadingHTTPServer, dict[str, Any]]:
    """Start a server; return it and what it holds. ``shutdown`` ends it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    state: dict[str, Any] = {"requests": [], "objects": {}, "templates": {}, "events": {}, "ledger": [], "records": []}
    server.state = state  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, state
