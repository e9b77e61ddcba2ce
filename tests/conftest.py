"""What holds for every test.

Templates must not depend on the hash seed. Pytest runs under whatever seed Python chose, so a set that leaks
its order into a template shows up sooner or later; the test of determinism starts processes with seeds of its
own.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

# The built-in validation loads WebAssembly for one to three seconds in each process; `make checkov` and
# `make demo` synthesize with it on.
os.environ["CDK_VALIDATION"] = "false"
os.environ["CDK_DISABLE_CLI_TELEMETRY"] = "true"
# boto3 would otherwise look for credentials at the metadata address of EC2, which no test may reach.
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

# jsii starts Node at `import aws_cdk`, so it has to be settled before any test module is imported.
use_node()

# A machine that does other things too is no fault of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_LOCAL = Path("tests/local")
"""Here a folder's tests share a deployment on the embedded AWS."""

_PATIENCE = 120
"""Seconds. What is bounded ends in milliseconds, what explodes not in years: no machine is too slow for this."""


class _Together(LoadScopeScheduling):  # type: ignore[misc] # which has no types
    """Runs on one worker what shares an expensive fixture: a file's, or a folder's, tests.

    Marks of `xdist_group` would say the same, but pytest-xdist 3.8.0 writes them where pytest 9.2 reads nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        return str(path.parent if path.is_relative_to(_LOCAL) else path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer | None) -> LoadScopeScheduling:
    """Distribute tests by what they share, where they run side by side."""
    return _Together(config, log)


@pytest.fixture
def no_hang() -> Iterator[None]:
    """End a test of bad input that does not end by itself."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"still at it after {_PATIENCE} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
