"""Each function's asset: it starts with the standard library alone, and holds nothing that no asset may hold."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.constructs.asset import handler_name, staged

if TYPE_CHECKING:
    from pathlib import Path

HANDLERS = ("approval_intake", "approval_classify", "approval_recheck", "approval_record", "approval_heads")


@pytest.mark.parametrize("handler", HANDLERS)
def test_starts_with_the_standard_library_alone(handler: str, tmp_path: Path) -> None:
    module = handler_name(handler).removesuffix(".handler")
    with staged(handler) as directory:
        code = (
            f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{directory!r}];"
            f"import {module} as found; from sudo_mcp_guardrails.handlers.approval_settings import settings_directory;"
            "print(callable(found.handler), 'boto3' in sys.modules, settings_directory())"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )
        # The settings lie at the asset's root, beside the package.
        assert done.stdout.split() == ["True", "False", directory], done.stderr
