"""The prover beside z3, on generated stacks."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Final

from benchmarks.iam.generate import Case, Generator
from benchmarks.iam.universe import OWN, PRINCIPALS, TARGETS
from benchmarks.iam.z3_encoding import Encoding
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.verdict import Verdict

SEED: Final = 20261123
STACKS: Final = 1_000
_KINDS: Final = ("identity", "boundary", "session", "scps")
_OWN_POLICY: Final = frozenset({"sts:AssumeRole"})


@dataclass
class Agreement:
    """What was found.

    Attributes:
        stacks: How many were compared.
        proved: How many both call empty.
        witnesses: How many both call open.
        differing: Those of which one says that a request is allowed, and the other that none is.
        open: Those that the prover leaves ``NOT PROVED``, or z3 unknown.
        prover_seconds, solver_seconds: Of all.
    """

    stacks: int = 0
    proved: int = 0
    witnesses: int = 0
    differing: list[Case] = field(default_factory=list)
    open: list[Case] = field(default_factory=list)
    prover_seconds: float = 0.0
    solver_seconds: float = 0.0


def stack(seed: int, number: int) -> Case:
    """Return one stack that the encoding has words for, with the request that it was drawn around."""
    make = Generator(random.Random(f"{seed}:{number}"), plain=True)  # noqa: S311 - reproducible, not secret
    rng = random.Random(f"{seed}:{number}:who")  # noqa: S311
    target = rng.choice([target for target in TARGETS if target.action not in _OWN_POLICY])
    principal = rng.choice([p for p in PRINCIPALS if p.account == OWN])
    request = make.request(principal, target)
    return Case(number, request, make.layers(request, _KINDS))


def compare(count: int = STACKS, seed: int = SEED) -> Agreement:
    """Compare the prover and z3.

    Args:
        count: How many stacks.
        seed: Makes the same stacks again.
    """
    found = Agreement()
    for number in range(count):
        item = stack(seed, number)
        request = item.request
        started = time.perf_counter()
        prover = Prover(item.layers, Facts(request.principal, resource_policies="none"))
        proof = prover.prove((Statement("Any", "Allow", actions=(request.action,), resources=("*",)),))
        middle = time.perf_counter()
        allowed = Encoding(request.action, request.principal, item.layers).allowed()
        found.prover_seconds += middle - started
        found.solver_seconds += time.perf_counter() - middle
        found.stacks += 1
        if allowed is None or proof.verdict is Verdict.NOT_PROVED:
            found.open.append(item)
        elif allowed is not (proof.verdict is Verdict.WITNESS):
            found.differing.append(item)
        elif allowed:
            found.witnesses += 1
        else:
            found.proved += 1
    return found


def report(found: Agreement) -> str:
    """Return the comparison as Markdown."""
    return f"""\
{found.stacks:,} generated stacks, one action of each on any resource: the prover and z3 agree on \
{found.proved + found.witnesses:,} ({found.proved:,} proved, {found.witnesses:,} with a witness), differ on \
{len(found.differing)}, and leave {len(found.open)} open. The prover took \
{found.prover_seconds / found.stacks * 1000:.2f} ms a stack, z3 {found.solver_seconds / found.stacks * 1000:.1f} ms."""
