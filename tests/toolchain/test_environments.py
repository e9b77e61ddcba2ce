from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.toolchain import environments
from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment, ensure_environment, site_packages
from sudo_mcp_guardrails.toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("cache")


def answer_of(python: Path) -> str:
    code = "import probe_tool; print(probe_tool.ANSWER)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(
    "installer",
    [pytest.param("uv", marks=pytest.mark.skipif(environments.find_uv() is None, reason="uv is not installed")), "pip"],
)
def test_made_once_and_isolated(installer: str, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if installer == "pip":
        monkeypatch.setattr(environments, "find_uv", lambda: None)
    else:
        assert environments.find_uv() is not None  # the project's own environment brings uv
    said: list[str] = []
    spec = ToolEnvironment("probe", (str(wheel),))
    python = ensure_environment(spec, report=said.append)
    assert answer_of(python) == "42\n"
    assert (site_packages(python) / "probe_tool.py").is_file()
    assert "boto3" not in {path.name for path in site_packages(python).iterdir()}
    assert said == [f"installing {wheel} into an environment of its own (once)"]

    wheel.unlink()  # so a second install would fail
    assert ensure_environment(spec, report=said.append) == python
    assert len(said) == 1


def test_interrupted_build_is_made_again(wheel: Path) -> None:
    spec = ToolEnvironment("probe", (str(wheel),))
    half = spec.directory()
    (half / "bin").mkdir(parents=True)
    (half / "bin" / "python").symlink_to(sys.executable)  # as far as a killed build may have come
    assert answer_of(ensure_environment(spec)) == "42\n"


def test_environment_whose_interpreter_went_away_is_made_again(wheel: Path) -> None:
    spec = ToolEnvironment("probe", (str(wheel),))
    python = ensure_environment(spec)
    python.unlink()
    python.symlink_to(python.parent / "gone")
    assert answer_of(ensure_environment(spec)) == "42\n"


def test_two_processes_build_it_once(wheel: Path) -> None:
    code = (
        "import sys; from sudo_mcp_guardrails.toolchain import ToolEnvironment, ensure_environment\n"
        "print(ensure_environment(ToolEnvironment('probe', (sys.argv[1],)), report=print))\n"
    )
    command = [sys.executable, "-c", code, str(wheel)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert lines[0][-1] == lines[1][-1]
    assert sum(line.startswith("installing") for said in lines for line in said) == 1


@pytest.mark.parametrize(("installer", "tries"), [("uv", 2), ("pip", 1)])
def test_failed_install_is_one_line_and_leaves_nothing_ready(
    installer: str, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if installer == "pip":
        monkeypatch.setattr(environments, "find_uv", lambda: None)
    spec = ToolEnvironment("probe", (str(tmp_path / "absent-1.0-py3-none-any.whl"),))
    for _ in range(tries):  # the second try must not take the wreck of the first for an environment
        with pytest.raises(ToolchainError) as caught:
            ensure_environment(spec)
        assert str(caught.value).startswith("could not install ")
        assert "absent-1.0" in str(caught.value)
        assert "check the network" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_missing_interpreter_is_named(wheel: Path) -> None:
    with pytest.raises(ToolchainError, match=r"could not create the environment of probe on python9\.9: "):
        ensure_environment(ToolEnvironment("probe", (str(wheel),), python="python9.9"))


def test_directory_follows_what_is_in_it() -> None:
    one = ToolEnvironment("probe", ("a==1",)).directory()
    assert one == ToolEnvironment("probe", ("a==1",)).directory()
    assert len({one, *(ToolEnvironment("probe", (r,)).directory() for r in ("a==2", "b==1"))}) == 3


@pytest.mark.parametrize("name", ["", "../up", "Upper", "a--b", "a/b", "a.b"])
def test_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ToolchainError, match=f"tool environment name {name!r} must be"):
        ToolEnvironment(name, ("a==1",))


def test_nothing_to_install_is_refused() -> None:
    with pytest.raises(ToolchainError, match="has no requirements"):
        ToolEnvironment("probe", ())


def test_uv_is_found_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda _name: "/somewhere/uv")
    assert environments.find_uv() == ["/somewhere/uv"]
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert environments.find_uv() is None
