"""The gateway as it is started: a client without a token of its own gets no further than the door."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("cryptography")
pytest.importorskip("uvicorn")
pytest.importorskip("aiohttp")
from tests.gateway.tokens.test_tokens import AUDIENCE, ISSUER, SCOPE, Issuer

HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
BODY = '{"jsonrpc": "2.0", "id": 1, "method": "ping"}'


def post(port: int, token: str) -> tuple[int, str]:
    headers = {**HEADERS, **({"authorization": f"Bearer {token}"} if token else {})}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/mcp", BODY, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("www-authenticate") or ""


def test_a_token_opens_the_door_and_nothing_else_does(tmp_path: Path) -> None:
    issuer = Issuer()
    keys = tmp_path / "keys.json"
    keys.write_bytes(issuer.key_set())
    command = [sys.executable, "-m", "sudo_mcp_guardrails.cli", "gateway", "run", "--no-checks"]
    command += ["--url", "http://127.0.0.1:9/mcp", "--listen", "127.0.0.1:0", "--issuer", ISSUER, "--jwks", str(keys)]
    process = subprocess.Popen(
        [*command, "--audience", AUDIENCE, "--scope", SCOPE],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        found = next(match for line in lines if (match := re.search(r"listening on http://127.0.0.1:(\d+)/mcp", line)))
        port, now = int(found[1]), time.time()
        metadata = 'Bearer resource_metadata="https://guard.example/.well-known/oauth-protected-resource/mcp"'
        for token in ("", "x", issuer.token(exp=now - 60, iat=now - 90), issuer.token(exp=now + 60, iat=now, aud="x")):
            assert post(port, token) == (401, metadata)
        # Past the door; it opens no session, so it goes no further.
        assert post(port, issuer.token(exp=now + 60, iat=now))[0] not in {401, 403}
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_half_of_the_options_start_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sudo_mcp_guardrails.cli",
        "gateway",
        "run",
        "--no-checks",
        "--listen",
        "127.0.0.1:0",
    ]
    done = subprocess.run(
        [*command, "--url", "http://127.0.0.1:9/mcp", "--issuer", ISSUER, "--scope", SCOPE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert "access tokens without --jwks and --audience are not allowed" in done.stderr
