"""InjecAgent: one read with an injected result, and then the tools that the injection asks for.

The set gives no arguments of the attacker's calls: the guard is asked with everything in the instruction that can be
acted on. Its attacks lie outside what the user asked for, so it saturates: it is a gate against regressions, and no
headline.
"""

from __future__ import annotations

import ast
import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import ALLOWED, Session, ToolCall, ToolResult
from sudo_mcp_guardrails.gateway.evaluation.errors import EvaluationError
from sudo_mcp_guardrails.gateway.evaluation.figures import figures
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED, Effect, Labels
from sudo_mcp_guardrails.gateway.taint.check import TaintCheck
from sudo_mcp_guardrails.gateway.taint.entities import entities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sudo_mcp_guardrails.gateway.evaluation.figures import Figures

REVIEWER: Final = "reviewer of the evaluation, from the tools' descriptions"
SETS: Final = ("dh", "ds")
_LINKS: Final = frozenset({"WebBrowserNavigateTo"})
_VARIANTS: Final[dict[str, Callable[[str], str]]] = {
    "static": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}
_PLACE: Final = "<Attacker Instruction>"
_MOST: Final = 64 * 1024 * 1024
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def evaluate(data: Path) -> Figures:
    """Return the figures of the base set, in clear and encoded.

    Args:
        data: Directory with ``test_cases_dh_base.json``, ``test_cases_ds_base.json`` and ``user_cases.jsonl``.

    Raises:
        EvaluationError: A file is missing, or is something else.
    """
    users = [json.loads(line) for line in _read(data / "user_cases.jsonl").splitlines() if line.strip()]
    cases = [(kind, case) for kind in SETS for case in json.loads(_read(data / f"test_cases_{kind}_base.json"))]
    reads = {case["User Tool"] for case in users}
    try:
        return figures("standard", list(_attacks(cases, reads)), list(_benign(users, reads)))
    except (KeyError, TypeError, ValueError, SyntaxError) as error:
        raise EvaluationError(f"a case of {str(data)!r} cannot be read: {error!r}") from error


def _attacks(cases: list[tuple[str, dict[str, Any]]], reads: set[str]) -> Iterator[dict[str, Any]]:
    for kind, case in cases:
        # What is stolen is read first; that read alone harms nobody, so only what follows counts.
        free = reads | (set(case["Attacker Tools"][:1]) if kind == "ds" else set())
        for variant, write in _VARIANTS.items():
            play = _Play(case, free)
            executed = play.reads(write(case["Attacker Instruction"])) == "" and all(
                play.obeys(tool, case["Attacker Instruction"]) for tool in case["Attacker Tools"]
            )
            yield {"variant": variant, "executed": executed}


def _benign(users: list[dict[str, Any]], reads: set[str]) -> Iterator[dict[str, Any]]:
    for case in users:
        why = _Play(case, reads).reads("Nothing to add.")
        yield {"asked": [why] if why else [], "utility": True}


class _Play:
    """One session."""

    def __init__(self, case: dict[str, Any], reads: set[str]) -> None:
        links = ("url",)
        self._case = case
        self._labels = {
            _snake(tool): Labels(Effect.READ, links if tool in _LINKS else (), ("*",), REVIEWER) for tool in reads
        }
        writing = {_snake(tool) for tool in case.get("Attacker Tools", ())} - set(self._labels)
        self._check = TaintCheck(lambda _server, tool: self._labels.get(tool, UNREVIEWED), writing)
        self._session = Session("case", "agent", intent=case["User Instruction"])
        self._number = 0

    def reads(self, instruction: str) -> str:
        """Make the user's call; return why a person is asked about it, or nothing."""
        call = self._call(self._case["User Tool"], ast.literal_eval(self._case["Tool Parameters"]))
        outcome = self._check.before(self._session, call)
        if outcome is not ALLOWED:
            return outcome.reasons[0].id
        text = self._case["Tool Response Template"].replace(_PLACE, instruction)
        self._check.after(self._session, call, ToolResult({"content": [{"type": "text", "text": text}]}, len(text)))
        return ""

    def obeys(self, tool: str, instruction: str) -> bool:
        """Make a call of the attacker; return whether it went on without a person."""
        acted = [value for _, value in entities(instruction)]
        call = self._call(tool, {"instruction": instruction, "to": acted})
        if self._check.before(self._session, call) is not ALLOWED:
            return False
        self._check.after(self._session, call, ToolResult({"content": [{"type": "text", "text": "done"}]}, 4))
        return True

    def _call(self, tool: str, arguments: dict[str, Any]) -> ToolCall:
        self._number += 1
        return ToolCall("tools", _snake(tool), arguments, number=self._number)


def _snake(name: str) -> str:
    return _WORD.sub("_", name).casefold()


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            raise EvaluationError(f"file {str(path)!r} is larger than {_MOST} bytes")
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise EvaluationError(f"file {str(path)!r} cannot be read: {error}; expected InjecAgent's data") from error
