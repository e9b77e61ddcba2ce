from __future__ import annotations

import sys
import time

import pytest

from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.process import run


def python(code: str, *, timeout: float = 20) -> str:
    return run([sys.executable, "-c", code], doing="try it", advice="try again", timeout=timeout)


def test_output_is_returned() -> None:
    assert python("print('yes')") == "yes\n"


def test_failure_is_one_line_with_the_end_of_what_was_said() -> None:
    with pytest.raises(ToolchainError) as caught:
        python("import sys; [print(f'line {n}', file=sys.stderr) for n in range(9)]; sys.exit(3)")
    assert str(caught.value) == "could not try it: line 6 / line 7 / line 8; try again"


def test_silent_failure_has_its_exit_code() -> None:
    with pytest.raises(ToolchainError, match="could not try it: exit code 3; try again"):
        python("import sys; sys.exit(3)")


def test_time_is_bounded() -> None:
    started = time.monotonic()
    with pytest.raises(ToolchainError, match="no end after 0 s"):
        python("import time; time.sleep(30)", timeout=0.4)
    assert time.monotonic() - started < 10


def test_missing_program_is_named() -> None:
    with pytest.raises(ToolchainError, match="no-such-program does not start"):
        run(["no-such-program"], doing="try it", advice="try again", timeout=5)
