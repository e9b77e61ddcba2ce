"""The approval page as a browser meets it: an HTTP server before the handler, and an identity provider on loopback.

The server does what API Gateway does with a JWT authorizer: it verifies the token's signature, issuer, audience and
expiry, hands the claims on as texts, and answers 401 by itself where anything is wrong.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.people import People, Person
from sudo_mcp_guardrails.handlers import approval_api
from tests.approval.made import GROUPS, POLICY
from tests.handlers.approval.apis import Api
from tests.handlers.approval.works import SETTINGS, Works

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

PASSWORD = "made up"


class Site:
    """The page, its people and its workflow.

    Args:
        directory: for the files of settings.
        slash: whether the page's address, as everybody is told it, ends in one.
    """

    def __init__(self, directory: Path, *, slash: bool = True) -> None:
        from sudo_mcp_guardrails.local.oidc import Client, OidcProvider
        from sudo_mcp_guardrails.local.oidc import Person as Account

        self.accounts = {name: Account(name, PASSWORD) for name in GROUPS}
        self.provider = OidcProvider(self.accounts.values()).start()
        self.asked: list[str] = []
        self.shift = 0.0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": self}))
        self.server.daemon_threads = True
        self.url = f"http://localhost:{self.server.server_address[1]}/"
        told = self.url if slash else self.url.rstrip("/")
        self.provider.register(Client("approvals", (told,)))
        issuer = self.provider.issuer
        people = (
            *(Person(name, (f"{issuer}#{name}", f"{name}@example.com")) for name in GROUPS if name != "rita"),
            Person("rita", (f"{issuer}#rita", "arn:aws:iam::111111111111:user/Rita")),
        )
        believed = Freshness((Issuer(FactorKind.JWT, issuer), Issuer(FactorKind.WEBAUTHN, "localhost")))
        policy = replace(POLICY, people=People(people), freshness=believed)
        party = {"id": "localhost", "origins": [self.url.rstrip("/")]}
        self.works = Works(directory, settings=replace(SETTINGS, policy=policy, relying_party=party), time=time.time())
        self.api = Api(self.works)
        self.api.environ |= {"ISSUER": issuer, "PAGE_URL": told}
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.provider.stop()

    def link(self, approval: str) -> str:
        return f"{self.url}#/approvals/{approval}"

    def claims(self, token: str) -> dict[str, str] | None:
        """Return a token's claims as API Gateway hands them on; None for one that its authorizer refuses."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        try:
            signed, _, signature = token.rpartition(".")
            header, body = (json.loads(_bytes(part)) for part in signed.split("."))
            key = self.provider.key._key.public_key()
            key.verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return None
        right = header["alg"] == "RS256" and (body["iss"], body["aud"]) == (self.provider.issuer, "approvals")
        if not right or body["exp"] < time.time():
            return None
        return {name: f"[{' '.join(one)}]" if isinstance(one, list) else str(one) for name, one in body.items()}


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET", None)

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers.get("content-length", "0"))).decode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _answer(self, method: str, body: str | None) -> None:
        site = self.site
        site.works.time = time.time() + site.shift
        site.asked.append(f"{method} {self.path}")
        authorizer = None
        if self.path.startswith("/api/"):
            claims = site.claims(self.headers.get("authorization", "").removeprefix("Bearer "))
            if claims is None:
                self._send({"statusCode": 401, "headers": {}, "body": '{"message":"Unauthorized"}'})
                return
            authorizer = {"jwt": {"claims": claims}}
        event = site.api.event(method, self.path.partition("?")[0], body, authorizer=authorizer)
        event["headers"] = {name.lower(): value for name, value in self.headers.items()}
        event["queryStringParameters"] = _query(self.path)
        self._send(approval_api.handler(event, None, site.api.place))

    def _send(self, answer: dict[str, Any]) -> None:
        body = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _query(path: str) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(path.partition("?")[2], keep_blank_values=True))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
