"""The account that all work happens in: the guardrails as they are deployed, and the names of who is there."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.demo.deployment import Cdk
from sudo_mcp_guardrails.toolchain.cdk_cli import ensure_cdk_cli
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

APP: Final = Path(__file__).with_name("app.py")
_SSO: Final = "/aws-reserved/sso.amazonaws.com/"
PEOPLE_ROLES: Final = {
    f"AWSReservedSSO_{name}_0f1e2d3c4b5a6978": f"{_SSO}us-east-1/"
    for name in ("AdministratorAccess", "PlatformEngineer", "Developer", "SecurityAudit", "ReadOnly", "DataEngineer")
}
"""People's roles, and their paths, as IAM Identity Center makes them."""
PROGRAM_ROLES: Final = (
    "github-deploy", "terraform-runner", "cfn-exec", "orders-api",
    "orders-worker", "web-instance", "reporting-task", "secret-rotation", "monitoring-integration", "backup-service",
    "cost-reports", "security-scanner", "data-pipeline",
)  # fmt: skip
SERVICE_ROLES: Final = {
    "AWSServiceRoleForConfig": "config",
    "AWSServiceRoleForAutoScaling": "autoscaling",
    "AWSServiceRoleForSecurityHub": "securityhub",
    "AWSServiceRoleForECS": "ecs",
    "AWSServiceRoleForRDS": "rds",
    "AWSServiceRoleForAccessAnalyzer": "access-analyzer",
    "AWSServiceRoleForTrustedAdvisor": "trustedadvisor",
    "AWSServiceRoleForAmazonSSM": "ssm",
}
USERS: Final = ("legacy-uploader", "dana", "ses-smtp")


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def archive(text: str = "def handler(event, context):\n    return event\n") -> bytes:
    """Return a function's code as a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("index.py", text)
    return buffer.getvalue()


def deploy(aws: EmbeddedAws, build: Path, report: Callable[[str], None]) -> str:
    """Deploy the guardrails with the CDK CLI; return the URL of the session broker."""
    use_node(report)
    cdk = Cdk(ensure_cdk_cli(report), APP, (build / "cdk.out").resolve())
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    cdk._run(["synth", "--quiet", "--app", f"{sys.executable} {APP.name}"], plain)  # noqa: SLF001 - no packs are asked here
    cdk.bootstrap(aws)
    return cdk.deploy(aws, {})["Guardrails"]["BrokerUrl"]
