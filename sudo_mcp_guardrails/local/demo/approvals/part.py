"""The demo's part "approvals": from a proposal to its evidence, and what that is worth."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.approval.store.settings import SETTINGS_FILE
from sudo_mcp_guardrails.local.approvals.people import STACK
from sudo_mcp_guardrails.local.approvals.site import Site, SiteError
from sudo_mcp_guardrails.local.demo import evaluator_witness
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION
from sudo_mcp_guardrails.local.demo.approvals.result import ApprovalsResult
from sudo_mcp_guardrails.local.demo.approvals.scenes import Scenes
from sudo_mcp_guardrails.local.demo.play import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sudo_mcp_guardrails.local.demo.play import Play
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.local.oidc.provider import OidcProvider

_SECONDS: Final = 60


@dataclass
class ApprovalPart:
    """Plays the rows around approvals, and then checks the evidence.

    Args:
        aws: The embedded AWS.
        outputs: Of the stack.
        provider: Where people sign in.
        assembly: Folder of what was synthesized; the workflow's settings are in it, with the policy.
    """

    aws: EmbeddedAws
    outputs: Mapping[str, str]
    provider: OidcProvider
    assembly: Path
    site: Site = field(init=False)
    _scenes: Scenes = field(init=False)

    def __post_init__(self) -> None:
        """Make the workflow's handle."""
        self.site = Site(self.aws, self.outputs, self.provider, ACCOUNT, REGION)
        self._scenes = Scenes(self.site)

    def set_up(self) -> None:
        """Fill the directory, and propose what the rows are about; raises SiteError where something is not taken."""
        self.site.set_up()
        self._scenes.prepare()

    def play(self, play: Play) -> Outcome:
        """Play one row for both witnesses."""
        seen = self._scenes.play(play)
        evaluator, why = evaluator_witness.decide(play)
        return Outcome(play, seen.said, evaluator, why, seen.detail, seen.recorded)

    def look(self) -> ApprovalsResult:
        """Fetch the page, and have ``approvals verify`` check all evidence, replayed by the workflow's policy.

        Raises:
            SiteError: The command does not answer.
        """
        answer = self._verified()
        found: dict[str, Any] = answer.get("summary", {})
        return ApprovalsResult(
            page=self.site.page.redirect,
            served=self._is_served(),
            records=int(found.get("records", 0)),
            chains=int(found.get("chains", 0)),
            broken=int(found.get("broken", 0)),
            states=dict(found.get("states", {})),
            findings=[str(item["text"]) for item in answer.get("items", [])],
            verified=bool(answer.get("ok")),
        )

    def _is_served(self) -> bool:
        connection = http.client.HTTPConnection(urlsplit(self.aws.endpoint_url).netloc, timeout=_SECONDS)
        try:
            connection.request("GET", "/", headers={"Host": urlsplit(self.site.page.url).netloc})
            answer = connection.getresponse()
            page = answer.read().decode("utf-8", "replace").lower()
            return answer.status == http.client.OK and "<!doctype html" in page
        finally:
            connection.close()

    def _verified(self) -> dict[str, Any]:
        """Run the command as anybody would, on the table and on the copies in the bucket."""
        settings = settings_of(self.assembly)
        outputs = self.outputs
        command = [
            *(sys.executable, "-m", "sudo_mcp_guardrails.cli", "approvals", "verify"),
            *(f"s3://{outputs['EvidenceBucket']}", f"table:{outputs['EvidenceTable']}"),
            *("--evidence-key", outputs["EvidenceKey"], "--decision-key", outputs["DecisionKey"]),
            *("--policy", str(settings), "--endpoint-url", self.aws.endpoint_url, "--json"),
        ]
        environment = self.aws.environment(ACCOUNT, REGION)
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise SiteError(f"approvals verify answered {done.returncode}: {done.stderr.strip()[-300:]}") from None
        return found


def settings_of(assembly: Path) -> Path:
    """Return the settings of the deployed functions, out of their asset.

    The folder may have assets of earlier runs too, so that the stack is asked which are its own.

    Raises:
        SiteError: The stack has none, or several.
    """
    listed = json.loads((assembly / f"{STACK}.assets.json").read_text(encoding="utf-8"))["files"]
    folders = [assembly / str(file["source"]["path"]) for file in listed.values()]
    found = [folder / SETTINGS_FILE for folder in folders if (folder / SETTINGS_FILE).is_file()]
    if len(found) != 1:
        raise SiteError(f"the assets of stack {STACK!r} have {len(found)} files {SETTINGS_FILE}, expected one")
    return found[0]
