"""The approval page's API on the fakes of the workflow, asked as API Gateway asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.deciding.directory import Directories
from sudo_mcp_guardrails.handlers import approval_api
from sudo_mcp_guardrails.handlers.approval_api_place import ApiClients, ApiPlace
from tests.approval.made import GROUPS, IDP, PAGE
from tests.handlers.approval import fakes
from tests.handlers.approval.works import LEVELS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.directory import Identity
    from tests.handlers.approval.works import Works

TASK_TOKEN = "task-token"


@dataclass
class Groups:
    """A directory: who is in which groups, by the last part of his identity."""

    of: dict[str, tuple[str, ...]]
    broken: bool = False

    def groups(self, identity: Identity) -> tuple[str, ...] | None:
        if self.broken:
            raise OSError("the directory does not answer")
        return self.of.get(identity.name.rpartition("#")[2].rpartition("/")[2].lower(), ())


@dataclass
class Waits:
    """Step Functions: what came back to waits of the state machine."""

    known: set[str] = field(default_factory=lambda: {TASK_TOKEN})
    ended: list[dict[str, Any]] = field(default_factory=list)

    def send_task_success(self, **call: Any) -> dict[str, Any]:
        fakes._check("stepfunctions", "SendTaskSuccess", call)
        if call["taskToken"] not in self.known:
            raise fakes.aws_error("TaskTimedOut", "SendTaskSuccess")
        self.known.discard(call["taskToken"])
        self.ended.append(json.loads(call["output"]))
        return {}


class Api:
    """The API of some works."""

    def __init__(self, works: Works) -> None:
        self.works = works
        self.groups = Groups(dict(GROUPS))
        self.waits = Waits()
        self.environ = {
            **works.environ,
            "TOKENS_TABLE": "tokens",
            "CREDENTIALS_TABLE": "credentials",
            "DIRECTORY": "table:groups",
            "ISSUER": IDP,
            "AUDIENCE": "approvals",
            "MFA_SECONDS": "240",
            "SECURITY_GROUPS": "security",
        }

    @property
    def place(self) -> ApiPlace:
        works = self.works
        clients = ApiClients(works.dynamodb, works.s3, works.kms, self.waits)
        made = ApiPlace(
            clients,
            environ=self.environ,
            clock=lambda: works.time,
            pause=lambda _: None,
            directory=works.directory,
        )
        made.levels = LEVELS
        made.directory = Directories((self.groups,))
        return made

    def wait(self, approval: str) -> None:
        """Let the state machine wait."""
        self.works.dynamodb.tables["tokens"][approval,] = {
            "approval": {"S": approval},
            "token": {"S": TASK_TOKEN},
            "round": {"N": "1"},
            "ends": {"N": str(int(self.works.time) + 300)},
        }

    def claims(self, who: str, **changes: Any) -> dict[str, str]:
        """Claims as an HTTP API hands them on."""
        signed_in = str(int(self.works.time) - 20)
        claims = {"iss": IDP, "sub": who, "aud": "approvals", "auth_time": signed_in, "amr": "[pwd mfa]", **changes}
        return {name: value for name, value in claims.items() if value}

    def event(self, method: str, path: str, body: object = None, *, authorizer: Any = None, **headers: str) -> Any:
        path, _, query = path.partition("?")
        return {
            "version": "2.0",
            "rawPath": path,
            "queryStringParameters": dict(pair.split("=") for pair in query.split("&")) if query else None,
            "headers": {"content-type": "application/json", "origin": f"https://{PAGE}", **headers},
            "requestContext": {"http": {"method": method}, "stage": "$default", "authorizer": authorizer},
            "body": body if isinstance(body, str) or body is None else json.dumps(body),
            "isBase64Encoded": False,
        }

    def ask(self, event: Any) -> tuple[int, dict[str, Any]]:
        answer = approval_api.handler(event, None, self.place)
        return answer["statusCode"], json.loads(answer["body"] or "{}")

    def get(self, who: str, path: str, **changes: Any) -> tuple[int, dict[str, Any]]:
        return self.ask(self.event("GET", path, authorizer={"jwt": {"claims": self.claims(who, **changes)}}))

    def post(self, who: str, path: str, body: object, **changes: Any) -> tuple[int, dict[str, Any]]:
        return self.ask(self.event("POST", path, body, authorizer={"jwt": {"claims": self.claims(who, **changes)}}))

    def seen(self, who: str, approval: str) -> dict[str, Any]:
        status, body = self.get(who, f"/api/approvals/{approval}")
        assert status == 200, body
        return body

    def statement(self, who: str, approval: str, verdict: str = "approve", **changes: Any) -> dict[str, Any]:
        """Look at an approval; return the body of a decision about it."""
        seen = self.seen(who, approval)
        body = {
            "verdict": verdict,
            "comment": "seen",
            "token": seen["token"],
            "approvalDigest": seen["approvalDigest"],
            "planDigest": seen["planDigest"],
        }
        return {**body, **changes}

    def decide(self, who: str, approval: str, verdict: str = "approve", **changes: Any) -> tuple[int, dict[str, Any]]:
        body = self.statement(who, approval, verdict, **changes)
        return self.post(who, f"/api/approvals/{approval}/decision", body)
