"""The embedded AWS's server, pinned."""

from __future__ import annotations

from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment

MINISTACK_VERSION = "1.5.33"

# ministack 1.5.33 pins botocore 1.43.106; boto3 and cryptography serve the Lambda code that it runs in its
# own process.
MINISTACK = ToolEnvironment("ministack", (f"ministack=={MINISTACK_VERSION}", "boto3==1.43.106", "cryptography>=50"))
