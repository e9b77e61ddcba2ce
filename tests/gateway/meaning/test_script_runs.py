"""No call that a script makes is missing from what it declares, unless it was called undecidable."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.meaning.script import names, read_script, reading
from sudo_mcp_guardrails.gateway.meaning.script.functions import Functions
from sudo_mcp_guardrails.gateway.meaning.script.mutation import Mutation
from sudo_mcp_guardrails.gateway.meaning.script.names import Names
from tests.gateway.meaning.benign import BENIGN
from tests.gateway.meaning.evasions import EVASIONS
from tests.gateway.meaning.programs import programs
from tests.gateway.meaning.sandbox import Sandbox, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

_USUAL = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def check(sandbox: Sandbox, code: str) -> tuple[bool, bool]:
    """Read a script and run it; return whether it is decidable, and whether it called anything."""
    script = read_script(code)
    runs = sandbox.run(code)
    if not script.undecidable:
        for run in runs:
            assert missing(script, run) == [], (code, script.calls, run)
    return not script.undecidable, any(run["calls"] for run in runs)


def test_the_corpus_is_large_enough() -> None:
    assert len(set(BENIGN)) == len(BENIGN) >= 60
    assert len(set(EVASIONS)) == len(EVASIONS) >= 240


def test_honest_scripts_declare_all_and_most_are_decidable(sandbox: Sandbox) -> None:
    found = [check(sandbox, code) for code in BENIGN]
    assert all(called for _, called in found)
    assert sum(decidable for decidable, _ in found) >= 0.95 * len(BENIGN)


def test_evasions_declare_all_or_are_undecidable(sandbox: Sandbox) -> None:
    found = [check(sandbox, code) for code in EVASIONS]
    # Most of them work where nobody looks, or they would show nothing.
    assert sum(called for _, called in found) >= 240
    assert sum(not decidable for decidable, _ in found) >= 200


@pytest.mark.parametrize(
    "fault",
    [
        lambda patch: patch.setattr(Mutation, "is_safe", lambda *_, **__: True),
        lambda patch: patch.setattr(Names, "_updated", lambda _, __, ___, found: found),
        lambda patch: patch.setattr(names, "joined", lambda *several: several[0]),
        lambda patch: patch.setattr(reading, "violations", lambda *_: ()),
        lambda patch: patch.setattr(Functions, "calls", lambda *_: []),
    ],
    ids=["aliases", "updates", "first-binding", "grammar", "functions"],
)
def test_the_corpus_finds_an_analysis_that_is_broken(
    sandbox: Sandbox, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    found = 0
    for code in (*BENIGN, *EVASIONS):
        script = read_script(code)
        if not script.undecidable:
            found += any(missing(script, run) for run in sandbox.run(code))
    assert found


@_USUAL
@given(code=programs())
def test_programs_that_hypothesis_writes_declare_all(sandbox: Sandbox, code: str) -> None:
    check(sandbox, code)


@_USUAL
@given(seed=st.integers(0, 2**32), number=st.integers(0, 10_000), cuts=st.integers(1, 4))
def test_mutated_scripts_never_crash_and_declare_all(sandbox: Sandbox, seed: int, number: int, cuts: int) -> None:
    corpus = (*BENIGN, *EVASIONS)
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    code = corpus[number % len(corpus)]
    for _ in range(cuts):
        code = _mutated(code, corpus, chance)
    started = time.process_time()
    script = read_script(code)
    assert time.process_time() - started < 2
    if not script.undecidable and "call_boto3" in code:
        check(sandbox, code)


def _mutated(code: str, corpus: tuple[str, ...], chance: random.Random) -> str:
    other = chance.choice(corpus)
    lines, others = code.splitlines(keepends=True), other.splitlines(keepends=True)
    at = chance.randrange(len(lines) + 1)
    kind = chance.randrange(5)
    if kind == 0 and lines:
        del lines[min(at, len(lines) - 1)]
    elif kind == 1:
        lines.insert(at, chance.choice(others).rstrip("\n") + "\n")
    elif kind == 2:
        return code.replace(chance.choice(code.split() or [""]), chance.choice(other.split() or [""]), 1)
    elif kind == 3:
        place = chance.randrange(len(code) + 1)
        return code[:place] + chance.choice("()[]{}=,.:'\"\n *+0aé\0") + code[place + chance.randrange(2) :]
    else:
        lines = [*lines[:at], *others]
    return "".join(lines)
