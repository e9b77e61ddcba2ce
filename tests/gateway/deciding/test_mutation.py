"""No part of the decision is there for nothing: without any one of them, some scenario is decided otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway import deciding
from sudo_mcp_guardrails.gateway.call import ALLOWED, Verdict
from sudo_mcp_guardrails.gateway.deciding import check, ruling, spending, understanding, weighing
from tests.gateway.deciding.scenarios import SCENARIOS
from tests.gateway.deciding.test_scenarios import played

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.call import Outcome

_ROOM = Path(deciding.__file__).parent
_NAMED = re.compile(r'"((?:decision|rules)\.[a-z-]+)"|_denied\(\s*"([a-z-]+)"')
_INFORMS = {"decision.credentials"}


def _ids() -> list[str]:
    """Return the ids of all reasons, as the room's own text names them."""
    found = set()
    for path in _ROOM.glob("*.py"):
        for whole, part in _NAMED.findall(path.read_text(encoding="utf-8")):
            found.add(whole or f"decision.{part}")
    return sorted(found - _INFORMS)


def _killed() -> bool:
    return any(played(scenario) for scenario in SCENARIOS)


@pytest.mark.parametrize("identity", _ids())
def test_each_objection_decides_somewhere(identity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An objection that is no longer raised is missed."""
    whole = check._outcome

    def without(against: Any, own: Any) -> Outcome:
        return whole([each for each in against if each.reason.id != identity], own)

    monkeypatch.setattr(check, "_outcome", without)
    assert _killed()


def _nothing(*_: object, **__: object) -> Any:
    return ()


def _none(*_: object, **__: object) -> None:
    return None


def _no(*_: object, **__: object) -> bool:
    return False


def _yes(*_: object, **__: object) -> bool:
    return True


MUTANTS: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "nothing-prepares": (weighing, "prepares", _no),
    "everything-prepares": (weighing, "prepares", _yes),
    "no-role-is-asked": (understanding, "rows", _nothing),
    "no-condition-keys": (weighing, "keys_of", _nothing),
    "no-profile-is-chosen": (check, "chosen", _none),
    "names-are-not-looked-at": (check, "named", _nothing),
    "no-budgets-of-trust": (spending, "rule_budgets", _nothing),
    "costs-are-known": (spending, "unknown_for", lambda *_: ""),
    "no-claims-no-context": (ruling, "context_of", lambda *_: {"input": {}}),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_part_decides_somewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is taken out, or that lets all through, is missed."""
    place, attribute, instead = MUTANTS[name]
    monkeypatch.setattr(place, attribute, instead)
    assert _killed()


@pytest.mark.parametrize("verdict", [Verdict.ASK, Verdict.DENY])
def test_the_strictest_counts(verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios tell a decision that takes one verdict for ALLOW."""
    whole = check._outcome

    def milder(against: Any, own: Any) -> Outcome:
        found = whole(against, own)
        return ALLOWED if found.verdict is verdict else found

    monkeypatch.setattr(check, "_outcome", milder)
    assert _killed()


def test_scenarios_agree_unchanged() -> None:
    """What kills mutants passes without any."""
    assert not _killed()
