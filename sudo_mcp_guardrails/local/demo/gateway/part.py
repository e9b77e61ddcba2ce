"""The demo's part "gateway": calls that pass or do not, bad servers, a bad result, and a person who decides."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION
from sudo_mcp_guardrails.local.demo.gateway import aws_api, notes
from sudo_mcp_guardrails.local.demo.gateway.guarding import Behind, accept, client, configure, text_of
from sudo_mcp_guardrails.local.demo.gateway.result import GatewayResult, Scene
from sudo_mcp_guardrails.toolchain.aws_api_server import AWS_API_SERVER
from sudo_mcp_guardrails.toolchain.environments import ensure_environment
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

AGENT: Final = "release-bot"
BUCKET: Final = "release-bot-artifacts"
NEEDED: Final = ("aiohttp", "cedarpy", "cryptography", "uvicorn", "mcp")
"""What the guard is made with, of the extra ``gateway``, and the client: the MCP SDK, which no extra brings."""
_AWS: Final = "aws-api"
_NOTES: Final = "notes"
_TAGGED: Final = (
    f"aws s3api put-bucket-tagging --bucket {BUCKET} --tagging "
    """'{"TagSet": [{"Key": "release", "Value": "%s"}]}'"""
)
_DENIED: Final = (
    ("write-by-reader", "a reader's change of a tag", _TAGGED % "read"),
    ("escalation", "a new access key for a user", "aws iam create-access-key --user-name admin"),
    ("vending", "a URL that signs in for whoever holds it", f"aws s3 presign s3://{BUCKET}/report.csv"),
    ("elsewhere", "another endpoint", "aws s3api list-buckets --endpoint-url http://127.0.0.1:9/"),
)


def missing() -> list[str]:
    """Return the packages of the extra that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


@dataclass
class GatewayPart:
    """Plays the scenes.

    Args:
        aws: The embedded AWS.
        session: Returns the boto3 session of the agent for a capability.
        app: The cloud assembly, whose policies the guard asks.
        report: Told about installs.
    """

    aws: EmbeddedAws
    session: Callable[[str], Any]
    app: Path
    report: Callable[[str], None]
    result: GatewayResult = field(default_factory=GatewayResult)

    def play(self) -> GatewayResult:
        """Play all scenes; nothing is left running."""
        python = ensure_environment(AWS_API_SERVER, report=self.report)
        # Not ours: what is pinned is all that can be imported, and ours may be a folder that somebody works in.
        other = ensure_environment(MINISTACK, report=self.report)
        started = time.monotonic()
        with TemporaryDirectory() as directory:
            folder = Path(directory)
            # The server says its working folder in a description, which is pinned: it is one for all.
            command, home = [str(python), str(Path(aws_api.__file__))], _home(folder)
            reader = Behind(_AWS, command, self._environment(home, "read"))
            writer = Behind(_AWS, command, self._environment(home, "apply"))
            mode = folder / "mode"
            mode.write_text("clean", encoding="utf-8")
            others = Behind(_NOTES, [str(other), str(Path(notes.__file__)), str(mode)], _bare(home))
            with ThreadPoolExecutor(2) as both:
                looked = [both.submit(reader.look, twice=False), both.submit(others.look)]
                accept(folder, *(each.result() for each in looked), reads={_NOTES: "read_notes"})
            configs = {
                "read": configure(folder, self.app, AGENT, capability="read", aws={_AWS: "direct"}),
                "apply": configure(folder, self.app, AGENT, capability="apply", aws={_AWS: "direct"}),
                "plan": configure(folder, self.app, AGENT, capability="plan", aws={}),
            }
            asyncio.run(self._all(reader, writer, others, configs, mode))
            self._poisoned(others, mode)
        self.result.seconds = time.monotonic() - started
        return self.result

    async def _all(
        self, reader: Behind, writer: Behind, others: Behind, configs: Mapping[str, Path], mode: Path
    ) -> None:
        """Play side by side what does not meet: starting guards and servers is what takes time."""
        await asyncio.gather(self._reader(reader, configs["read"]), self._others(others, configs["plan"], mode))
        await self._writer(writer, configs["apply"])

    async def _reader(self, behind: Behind, config: Path) -> None:
        async with client(behind, config, agent=AGENT, capability="read") as connected:
            await connected.list_tools()
            came = await connected.call_tool("call_aws", {"cli_command": "aws s3api list-buckets"})
            self._add("read", "a read of the agent's own account", "allowed", came, BUCKET)
            for id_, title, command in _DENIED:
                came = await connected.call_tool("call_aws", {"cli_command": command})
                self._add(id_, title, "denied", came)
        self._scene("nothing-written", "what the reader's denied change did", "nothing", self._tag() or "nothing")

    async def _writer(self, behind: Behind, config: Path) -> None:
        said = {"no": False, "yes": True}
        asked: list[str] = []

        def person(question: str) -> bool:
            asked.append(question)
            return said[next(word for word in said if f'"{word}"' in question.replace("\\", ""))]

        async with client(behind, config, agent=AGENT, capability="apply", answer=person) as connected:
            await connected.list_tools()
            for word, title in (("no", "a change that a person refuses"), ("yes", "a change that a person approves")):
                came = await connected.call_tool("call_aws", {"cli_command": _TAGGED % word})
                self._add(f"approval-{word}", title, "allowed" if said[word] else "denied", came)
                wanted = "yes" if said[word] else "nothing"
                self._scene(f"done-{word}", f"what AWS has after a {word}", wanted, self._tag() or "nothing")
        self._scene("asked", "how often a person was asked", "2", str(len(asked)), " / ".join(asked))

    async def _others(self, behind: Behind, config: Path, mode: Path) -> None:
        async with client(behind, config, agent=AGENT, capability="plan") as connected:
            await connected.list_tools()
            came = await connected.call_tool("read_notes", {})
            self._add("injected", "a result with an instruction in it", "allowed", came, "data, not instructions")
            hidden = [character for character in notes.NOTE if not character.isascii() and character in text_of(came)]
            self._scene("invisible", "what nobody sees in it", "removed", "there" if hidden else "removed")
            mode.write_text("swapped", encoding="utf-8")  # noqa: ASYNC240 - one word, and nothing else runs on it
            listed = await connected.list_tools(cache_mode="refresh")
            names = ", ".join(tool.name for tool in listed.tools)
            self._scene("swapped-list", "a tool that its server swapped", "hidden", names or "hidden")
            came = await connected.call_tool("read_notes", {})
            self._add("swapped-call", "a call of it all the same", "denied", came, "pin.changed")

    def _poisoned(self, behind: Behind, mode: Path) -> None:
        mode.write_text("poisoned", encoding="utf-8")
        found = behind.look().findings
        came = "found" if found else "missed"
        self._scene(
            "poisoned", "a description that tells the model what to do", "found", came, ", ".join(f.id for f in found)
        )

    def _add(self, id_: str, title: str, expected: str, came: Any, holds: str = "") -> None:  # noqa: ANN401 - the SDK's
        text = text_of(came)
        verdict = "denied" if came.is_error else "allowed"
        self._scene(id_, title, expected, verdict if holds in text else f"{verdict}, without {holds!r}", text)

    def _scene(self, id_: str, title: str, expected: str, came: str, detail: str = "") -> None:
        self.result.scenes.append(Scene(id_, title, expected, came, detail or came))

    def _tag(self) -> str:
        """Return the tag of the bucket, as the account's administrators see it; empty where there is none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

        try:
            found = self.aws.client("s3", account=ACCOUNT).get_bucket_tagging(Bucket=BUCKET)["TagSet"]
        except ClientError:
            return ""
        return ", ".join(tag["Value"] for tag in found if tag["Key"] == "release")

    def _environment(self, home: Path, capability: str) -> dict[str, str]:
        """Return all that the server is started with: one session's credentials, and the embedded AWS alone."""
        credentials = self.session(capability).get_credentials().get_frozen_credentials()
        found = {
            **_bare(home),
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_API_MCP_TELEMETRY": "false",
            "AWS_API_MCP_WORKING_DIR": str(home),
            "AWS_API_MCP_SUPPRESS_DEPRECATION_WARNING": "true",
            "FASTMCP_LOG_LEVEL": "CRITICAL",
        }
        return {**found, "AWS_SESSION_TOKEN": credentials.token} if credentials.token else found


def _home(folder: Path) -> Path:
    home = folder / "home"
    home.mkdir()
    return home


def _bare(home: Path) -> dict[str, str]:
    """Return what any server is started with: nothing of the user's."""
    return {"HOME": str(home), "PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": "1"}
