from __future__ import annotations

import pytest

from sudo_mcp_guardrails.gateway.sandbox.available import require_sandbox
from sudo_mcp_guardrails.gateway.sandbox.errors import SandboxError


@pytest.fixture
def sandbox() -> None:
    """Skip where servers cannot be sandboxed."""
    try:
        require_sandbox()
    except SandboxError as error:
        pytest.skip(str(error))
