"""Synthesize the demo's app and deploy it with the real CDK CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

_SECONDS: Final = 300
STACK: Final = "Guardrails"


class DeploymentError(GuardrailsError):
    """The CDK CLI failed; the message has the end of what it said."""


@dataclass(frozen=True)
class PackResult:
    """What the rule packs said.

    Args:
        violations: Findings that nobody accepted; synthesis fails with any.
        accepted: Findings accepted with a reason.
        unreasoned: Accepted findings without a reason.
    """

    violations: int
    accepted: int
    unreasoned: int


@dataclass(frozen=True)
class Cdk:
    """The CDK CLI at work on one app.

    Args:
        command: The CLI's argument vector.
        app: Path of the app.
        output: Folder for the cloud assembly.
    """

    command: Sequence[str]
    app: Path
    output: Path

    def synthesize(self, context: Mapping[str, str]) -> PackResult:
        """Synthesize; raises DeploymentError where a rule pack finds what nobody accepted.

        Args:
            context: What the app is told; ``trail`` asks the demo's for the audit pipeline's stack too, and ``issuer``
                for that of the approval workflow.
        """
        told = [word for name, value in context.items() for word in ("--context", f"{name}={value}")]
        app = ["--app", f"{sys.executable} {self.app.name}", *told]
        self._run(["synth", "--quiet", *app], _plain_environment())
        return _pack_result(self.output / "validation-report.json")

    def has(self, stack: str) -> bool:
        """Return whether a stack was synthesized."""
        return (self.output / f"{stack}.template.json").is_file()

    def bootstrap(self, aws: EmbeddedAws) -> None:
        """Bootstrap the demo's account."""
        self._run(["bootstrap", "--app", str(self.output), f"aws://{ACCOUNT}/{REGION}"], _environment(aws))

    def deploy(self, aws: EmbeddedAws, parameters: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
        """Deploy what was synthesized, and return the outputs of each stack.

        Args:
            aws: The embedded AWS.
            parameters: Of the stacks: ``Stack:Name`` to its value.
        """
        outputs = self.output.parent / "outputs.json"
        self._run(
            [
                "deploy",
                "--all",
                "--require-approval",
                "never",
                "--app",
                str(self.output),
                "--outputs-file",
                str(outputs),
                *(word for name, value in parameters.items() for word in ("--parameters", f"{name}={value}")),
            ],
            _environment(aws),
        )
        result: dict[str, dict[str, str]] = json.loads(outputs.read_text(encoding="utf-8"))
        return result

    def _run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        out = [] if "--app" in arguments and str(self.output) in arguments else ["--output", str(self.output)]
        try:
            done = subprocess.run(
                [*self.command, *arguments, *out, "--no-notices", "--no-color"],
                cwd=self.app.parent,
                env=dict(environment),
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DeploymentError(f"cdk {arguments[0]} took longer than {_SECONDS} s") from None
        if done.returncode:
            raise DeploymentError(f"cdk {arguments[0]} failed: {_gist(done.stdout + done.stderr)}")


def _gist(text: str) -> str:
    """Return the lines of the CLI's output that say what went wrong, or the last ones."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("at ")]
    telling = [line for line in lines if any(word in line for word in ("FAILED", "Error", "denied", "not authorized"))]
    return " | ".join((telling or lines)[-8:])


def _pack_result(report: Path) -> PackResult:
    """Read the CDK's validation report."""
    if not report.exists():
        raise DeploymentError(f"the rule packs left no report at {report.name}, expected one from Guardrails.enforce()")
    plugins: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["pluginReports"]
    accepted = [found for plugin in plugins for found in plugin.get("suppressedViolations", [])]
    # The CDK's own CloudFormation validation reports beside the packs, and fails synthesis by itself.
    violations = [
        v for plugin in plugins for v in plugin.get("violations", []) if plugin.get("conclusion") == "failure"
    ]
    unreasoned = [found for found in accepted if not _reasons(found)]
    return PackResult(len(violations), len(accepted), len(unreasoned))


def _reasons(found: Mapping[str, Any]) -> bool:
    """Return whether an accepted finding carries a reason, wherever the report's schema puts it."""
    text = json.dumps(found)
    return '"reason": "' in text and '"reason": ""' not in text


def _environment(aws: EmbeddedAws) -> Mapping[str, str]:
    """Return the environment of the CLI against the embedded AWS."""
    return aws.environment(ACCOUNT, REGION)


def _plain_environment() -> Mapping[str, str]:
    """Return the environment of a synthesis, which must not reach for an account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "CDK_DISABLE_CLI_TELEMETRY": "true", "AWS_EC2_METADATA_DISABLED": "true"}
