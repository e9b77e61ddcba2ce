"""Isolated Python environments for tools that cannot share one with us.

ministack pins its own botocore and Checkov an old boto3, so each gets an environment of its own in the user's
cache, made on first use. It also has to work for someone who installed only the wheel: ``uv`` is used where
it can be found, and the standard library's ``venv`` with pip where it cannot.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.cache import cache_dir, exclusive
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

# The tools' own dependencies resolve as of this moment, so that a release of tomorrow cannot change what runs
# today. pyproject.toml has the same date; a test holds the two together.
EXCLUDE_NEWER = "2026-11-16T00:00:00Z"

_MARKER = "ready.json"
_INSTALL_SECONDS = 900.0
_QUICK_SECONDS = 120.0
_PIP_WITH_DATES = 26
_ADVICE = "check the network and the package index of pip or uv, then run the command again"


@dataclass(frozen=True)
class ToolEnvironment:
    """One tool's environment.

    Attributes:
        name: directory prefix in the cache and the name in messages; lower-case letters, digits and dashes.
        requirements: PEP 508 requirements, the first of which should be pinned exactly.
        python: interpreter to build on, as a command or a path; the running one when left out.
    """

    name: str
    requirements: tuple[str, ...]
    python: str | None = None

    def __post_init__(self) -> None:
        """Refuse a name that could leave the cache directory, and an environment with nothing in it."""
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ToolchainError(
                f"tool environment name {self.name!r} must be lower-case letters, digits and single dashes"
            )
        if not self.requirements:
            raise ToolchainError(f"tool environment {self.name!r} has no requirements; name at least one")

    def directory(self) -> Path:
        """Where the environment lives; a change of requirements, interpreter or platform moves it."""
        facts = [
            *self.requirements,
            self.python or sys.base_prefix,
            platform.python_version(),
            platform.machine(),
            EXCLUDE_NEWER,
        ]
        digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
        return cache_dir() / "envs" / f"{self.name}-{digest}"


def ensure_environment(spec: ToolEnvironment, *, report: Callable[[str], None] | None = None) -> Path:
    """Make the environment unless it is there already, and return the path of its Python.

    Safe for several processes at once: one builds, the others wait. A build that was interrupted has no
    marker and is made again from nothing.

    Args:
        spec: the environment.
        report: told, in one line each, about work that takes time; silent when the environment exists.

    Raises:
        ToolchainError: it cannot be made; the message says what to do.
    """
    home = spec.directory()
    if _is_ready(home, spec):
        return _python_of(home)
    with exclusive(home.with_suffix(".lock"), timeout=_INSTALL_SECONDS, report=report):
        if not _is_ready(home, spec):  # another process may have made it while this one waited
            if home.exists():
                shutil.rmtree(home)
            if report:
                report(f"installing {spec.requirements[0]} into an environment of its own (once)")
            _build(home, spec)
            (home / _MARKER).write_text(json.dumps({"requirements": spec.requirements}), encoding="utf-8")
    return _python_of(home)


def site_packages(python: Path) -> Path:
    """The directory that the environment of ``python`` installs packages into."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    doing = f"ask {python} for its packages"
    return Path(run([str(python), "-c", code], doing=doing, advice=_ADVICE, timeout=_QUICK_SECONDS).strip())


def find_uv() -> list[str] | None:
    """The command for ``uv``: the module next to us, else the one on PATH, else None."""
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    return [found] if found else None


def _python_of(home: Path) -> Path:
    return home / "bin" / "python"


def _is_ready(home: Path, spec: ToolEnvironment) -> bool:
    try:
        marker = json.loads((home / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    # exists() follows the link: an environment whose interpreter was upgraded away is made again.
    return marker == {"requirements": list(spec.requirements)} and _python_of(home).exists()


def _build(home: Path, spec: ToolEnvironment) -> None:
    base = spec.python or sys.executable
    doing = f"install {', '.join(spec.requirements)}"
    uv = find_uv()
    # uv would fetch an interpreter of its own where the one that is asked for is absent.
    env = {"UV_PYTHON_DOWNLOADS": "never"}
    # uv and pip would read the settings of whatever project we are in; so they run in the cache.
    where = home.parent
    if uv:
        run(
            [*uv, "venv", "--quiet", "--no-project", "--python", base, str(home)],
            doing=f"create the environment of {spec.name} on {base}",
            advice=_ADVICE,
            timeout=_QUICK_SECONDS,
            cwd=where,
            env=env,
        )
        install = [*uv, "pip", "install", "--quiet", "--python", str(_python_of(home))]
        install += ["--exclude-newer", EXCLUDE_NEWER]
    else:
        run(
            [base, "-m", "venv", str(home)],
            doing=f"create the environment of {spec.name} on {base}",
            advice="install Python's venv module (on Debian and Ubuntu: the package python3-venv)",
            timeout=_QUICK_SECONDS,
            cwd=where,
        )
        pip = [str(_python_of(home)), "-m", "pip"]
        install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        if _pip_major(pip) >= _PIP_WITH_DATES:
            install += ["--uploaded-prior-to", EXCLUDE_NEWER]
    run(
        [*install, *spec.requirements],
        doing=doing,
        advice=_ADVICE,
        timeout=_INSTALL_SECONDS,
        cwd=where,
        env=env,
    )


def _pip_major(pip: list[str]) -> int:
    """The major version of pip; older ones cannot resolve as of a date, and only exact pins hold there."""
    answer = run([*pip, "--version"], doing="ask pip for its version", advice=_ADVICE, timeout=_QUICK_SECONDS)
    found = re.match(r"pip (\d+)", answer)
    return int(found.group(1)) if found else 0
