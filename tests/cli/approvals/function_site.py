"""A function's URL and the token service as an IAM user meets them: one HTTP server, which verifies every signature.

Signatures are verified by botocore, and a session counts as AWS has it: made by a code of the user's device, each code
once. How old a second factor is, AWS's policy tells and no function: here every session is let through.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.people import People, Person
from sudo_mcp_guardrails.handlers import approval_api
from tests.approval.made import GROUPS, POLICY
from tests.handlers.approval.apis import Api
from tests.handlers.approval.fakes import ACCOUNT
from tests.handlers.approval.works import RITA, SETTINGS, Works

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

REGION = "eu-central-1"
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/phone"
USERS = {f"AKIA{name.upper()}": f"arn:aws:iam::{ACCOUNT}:user/people/{name.capitalize()}" for name in GROUPS}
"""Whose each long-lived key is."""
_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/(?P<day>\d{8})/(?P<region>[\w-]+)/(?P<service>\w+)/aws4_request, "
    r"SignedHeaders=(?P<names>[\w;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class FunctionSite:
    """The function, its people and their devices.

    Args:
        directory: for the files of settings.
        codes: that the device shows, each of which is good once.
    """

    def __init__(self, directory: Path, *codes: str) -> None:
        people = (
            *(Person(name, (USERS[f"AKIA{name.upper()}"], f"{name}@example.com")) for name in GROUPS if name != "rita"),
            Person("rita", (RITA, USERS["AKIARITA"])),
        )
        believed = Freshness((Issuer(FactorKind.MFA, ACCOUNT),))
        policy = replace(POLICY, people=People(people), freshness=believed)
        self.works = Works(directory, settings=replace(SETTINGS, policy=policy), time=time.time() - 600)
        self.api = Api(self.works)
        self.codes = list(codes)
        self.sessions: dict[str, tuple[str, str, str]] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def secrets_of(self, key: str) -> tuple[str, str | None]:
        """Return the secret and the token of a key that is known."""
        if key in self.sessions:
            _, secret, token = self.sessions[key]
            return secret, token
        return f"secret-of-{key}", None

    def arn(self, key: str) -> str:
        return self.sessions[key][0] if key in self.sessions else USERS[key]


class _Handler(BaseHTTPRequestHandler):
    site: FunctionSite
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers.get("content-length", "0"))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _answer(self, method: str, body: bytes) -> None:
        key, service = self._verified(method, body)
        if service == "sts" and key in USERS:
            self._token_service(key, {name: one[0] for name, one in parse_qs(body.decode()).items()})
        elif service == "lambda" and key in self.site.sessions:
            self._function(method, body.decode(), self.site.arn(key))
        else:
            self._send(403, '{"Message":"Forbidden"}')

    def _verified(self, method: str, body: bytes) -> tuple[str, str]:
        """Return whose key signed, and for which service; empty where no signature holds."""
        found = _SCOPE.fullmatch(self.headers.get("authorization", ""))
        if found is None or found["region"] != REGION:
            return "", ""
        secret, token = self.site.secrets_of(found["key"])
        if self.headers.get("x-amz-security-token") != token:
            return "", ""
        names = [name for name in found["names"].split(";") if name != "host"]
        assert "host" in found["names"].split(";")
        url = f"http://{self.headers['host']}{self.path}"
        request = AWSRequest(method, url, {name: self.headers[name] for name in names}, body)
        request.context["timestamp"] = self.headers["x-amz-date"]
        auth = SigV4Auth(Credentials(found["key"], secret, token), found["service"], REGION)
        made = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        return (found["key"], found["service"]) if made == found["signature"] else ("", "")

    def _token_service(self, key: str, asked: dict[str, str]) -> None:
        site, action = self.site, asked["Action"]
        site.asked.append(action)
        if action == "GetCallerIdentity":
            self._send_xml(action, f"<Arn>{site.arn(key)}</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>")
            return
        code = asked.get("TokenCode", "")
        if (asked.get("SerialNumber"), code in site.codes) != (SERIAL, True):
            reason = "MultiFactorAuthentication failed with invalid MFA one time pass code."
            self._send(
                403,
                f"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{reason}</Message></Error>"
                "</ErrorResponse>",
            )
            return
        site.codes.remove(code)
        made, secret, token = f"ASIA{len(site.sessions)}", f"session-secret-{code}", f"session-token-{code}"
        site.sessions[made] = (site.arn(key), secret, token)
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + int(asked["DurationSeconds"])))
        self._send_xml(
            action,
            f"<Credentials><AccessKeyId>{made}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{ends}</Expiration></Credentials>",
        )

    def _function(self, method: str, body: str, arn: str) -> None:
        site = self.site
        path, _, query = self.path.partition("?")
        site.asked.append(f"{method} {path}")
        site.works.time = time.time()
        event = site.api.event(method, path, body or None, authorizer={"iam": {"userArn": arn}})
        event["headers"] = {name.lower(): value for name, value in self.headers.items()}
        event["queryStringParameters"] = dict(parse_qsl(query))
        answer: dict[str, Any] = approval_api.handler(event, None, site.api.place)
        self._send(answer["statusCode"], answer["body"])

    def _send_xml(self, action: str, result: str) -> None:
        self._send(200, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")

    def _send(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
