"""Never safe where it is not: on generated stacks, the prover beside requests that the evaluator is known to allow.

Requests are drawn near the policies: their resources fill the policies' own patterns, within the ARN formats of the
action. Each that is allowed refutes a proof of the opposite, alone and together with another.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from benchmarks.iam.generate import Generator, target_of
from sudo_mcp_guardrails.iam.catalogue import resource_arns, service_actions
from sudo_mcp_guardrails.iam.compiled import compile_statement
from sudo_mcp_guardrails.iam.conditions import substitute
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.evaluate import evaluate
from sudo_mcp_guardrails.iam.facts import RESOURCE_POLICIES, Facts
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.iam.evaluate import Layers
    from sudo_mcp_guardrails.iam.facts import Values
    from sudo_mcp_guardrails.iam.request import Request
    from sudo_mcp_guardrails.iam.verdict import Proof

SEED: Final = 20261123
STACKS: Final = 10_000
_REQUESTS: Final = 12
_WIDE: Final = 2
"""Requests of a stack around which a question about many actions is asked."""
_SESSION: Final = ("aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:TokenIssueTime")
"""Keys of a request's context that are the same for all requests of a session."""
_FILLINGS: Final = ("", "x", "a/b", "blue", "us-east-1", "111111111111", "role:role", "secret:secret", "111111111111:x")
_VARIABLE: Final = re.compile(r"\\\$\\\{(\w+)\\\}")


@dataclass
class Soundness:
    """What was found.

    Attributes:
        stacks: How many stacks were asked about.
        allowed: How many requests, and pairs of requests, were known to be allowed.
        wide: How many questions about many actions were asked, each with such a request among what it covers.
        missed: Those of them that the prover called impossible: (number of the stack, the requests).
        witnesses: How many witnesses the prover gave.
        failed: Those that the evaluator does not allow.
        proved: How many stacks it called empty for the action.
        undecided: How many it left ``NOT PROVED``.
    """

    stacks: int = 0
    allowed: int = 0
    wide: int = 0
    missed: list[tuple[int, tuple[Request, ...]]] = field(default_factory=list)
    witnesses: int = 0
    failed: list[tuple[int, tuple[Request, ...]]] = field(default_factory=list)
    proved: int = 0
    undecided: int = 0

    def add(self, other: Soundness) -> None:
        """Add what was found on other stacks."""
        for name in ("stacks", "allowed", "wide", "missed", "witnesses", "failed", "proved", "undecided"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def check(numbers: Iterable[int], seed: int = SEED) -> Soundness:
    """Ask about generated stacks.

    Args:
        numbers: Of the stacks.
        seed: Makes the same stacks again.
    """
    found = Soundness()
    for number in numbers:
        _check(number, random.Random(f"{seed}:{number}"), found)  # noqa: S311 - reproducible, not secret
    return found


def _check(number: int, rng: random.Random, found: Soundness) -> None:
    """Ask about one stack."""
    make = Generator(rng)
    first = make.request()
    layers = make.layers(first)
    facts = Facts(first.principal, known=_known(rng, first), resource_policies=rng.choice(RESOURCE_POLICIES))
    prover = Prover(layers, facts)
    found.stacks += 1
    proof = prover.prove([_question(first.action)])
    found.proved += proof.verdict is Verdict.PROVED
    found.undecided += proof.verdict is Verdict.NOT_PROVED
    if proof.verdict is Verdict.WITNESS:
        found.witnesses += 1
        if not all(_allowed(request, layers, facts) for request in proof.requests):
            found.failed.append((number, proof.requests))
    others = [_near(rng, make, first, layers, facts) for _ in range(_REQUESTS)]
    allowed = [r for r in (_conforming(first, facts), *others) if _real(r) and _allowed(r, layers, facts)]
    questions = [(request,) for request in allowed] + list(pairwise(allowed))
    found.allowed += len(questions)
    for requests in questions:
        answers: list[Proof] = [prover.prove([_question(r.action, r.resource) for r in requests])]
        answers += [proof] if len(requests) == 1 else []
        if any(answer.verdict is Verdict.PROVED for answer in answers):
            found.missed.append((number, requests))
    for request in allowed[:_WIDE]:
        found.wide += 1
        if prover.prove([_wide(rng, request, layers)]).verdict is Verdict.PROVED:
            found.missed.append((number, (request,)))


def _question(action: str, resource: str = "*") -> Statement:
    return Statement("Question", "Allow", actions=(action,), resources=(resource,))


def _wide(rng: random.Random, request: Request, layers: Layers) -> Statement:
    """Return a question about all actions of a service, under some conditions of the policies that a request meets."""
    service = request.action.split(":", maxsplit=1)[0]
    question = Statement("Wide", "Allow", actions=(f"{service}:*",), resources=(rng.choice(("*", request.resource)),))
    conditions = dict.fromkeys(c for s in _statements(layers) for c in s.conditions)
    met = [c for c in conditions if compile_statement(replace(question, conditions=(c,))).applies(request)]
    return replace(question, conditions=tuple(rng.sample(met, min(len(met), rng.randint(0, 3)))))


def _known(rng: random.Random, request: Request) -> Mapping[str, tuple[str | Values | None, ...]]:
    """Draw facts: a few keys of which the alternatives are known."""
    known: dict[str, tuple[str | Values | None, ...]] = {}
    for key in target_of(request).keys_of_requests:
        if rng.random() < 0.2:  # noqa: PLR2004
            values: list[str | Values | None] = [(value,) if key.many else value for value in key.values]
            options = rng.sample([*values, None], rng.randint(1, 2))
            known[key.name] = tuple(options)
    return known


def _conforming(request: Request, facts: Facts) -> Request:
    """Return a request with the facts' keys as they are known to be."""
    context = dict(request.context)
    for key, options in facts.known.items():
        value = context.get(key) if context.get(key) in options else options[0]
        # No value, rather than no entry: some keys have a usual value where nothing is said of them.
        context[key] = () if value is None else value
    return replace(request, context=context)


def _near(rng: random.Random, make: Generator, first: Request, layers: Layers, facts: Facts) -> Request:
    """Draw another request of the same session and action, often on a resource that a policy names."""
    request = make.request(first.principal, target_of(first))
    context = {key: value for key, value in request.context.items() if key not in _SESSION}
    context.update({key: first.context[key] for key in _SESSION if key in first.context})
    patterns = [p for s in _statements(layers) for p in (*s.resources, *s.not_resources) if p.startswith("arn:")]
    resource = request.resource
    if patterns and rng.random() < 0.7:  # noqa: PLR2004
        resolved = substitute(rng.choice(patterns), request.keys) or resource
        beginning, star, end = resolved.partition("*")
        if star and resource.startswith(beginning) and rng.random() < 0.3:  # noqa: PLR2004
            resolved = resource + end  # a name that the caller chose, such that the star runs on to its end
        resource = re.sub(r"[*?]", lambda m: "x" if m[0] == "?" else rng.choice(_FILLINGS), resolved)
    return _conforming(replace(request, resource=resource, context=context), facts)


def _statements(layers: Layers) -> Iterable[Statement]:
    return (s.statement for layer in layers.compiled.all for s in layer.statements)


def _allowed(request: Request, layers: Layers, facts: Facts) -> bool:
    """Return whether the evaluator allows it, with the resource policies that the facts let a resource have."""
    if evaluate(request, layers).allowed:
        return True
    if layers.resource is not None:
        return False
    principal = request.principal
    named = principal.account
    if facts.resource_policies == "worst" and target_of(request).resource_policy:
        named = principal.session_arn or principal.arn
    elif request.owner != principal.account:
        return False
    grant = Statement("Assumed", "Allow", actions=("*",), resources=("*",), principals=(("AWS", named),))
    return evaluate(request, replace(layers, resource=PolicyDocument("resource", (grant,)))).allowed


def _real(request: Request) -> bool:
    """Return whether the resource is one that AWS knows for the action."""
    return any(form.fullmatch(request.resource) for form in _forms(request.action))


@cache
def _forms(action: str) -> tuple[re.Pattern[str], ...]:
    """Return the ARN formats of an action's resources as expressions."""
    service = action.split(":", maxsplit=1)[0]
    formats = resource_arns(service)
    names = [name for name in service_actions(service)[action].resources if name in formats]
    return tuple(_expression(formats[name]) for name in names) or (re.compile(r"\*"),)


def _expression(arn: str) -> re.Pattern[str]:
    """Return one format. No variable holds a colon but names of S3 objects and paths of IAM at the end."""
    plain = {"Partition": "aws", "Account": r"\d{12}"}
    segments = dict.fromkeys(("Region", "BucketName", "TableName", "FunctionName"), "[^:/]+")
    pattern = re.escape(arn)
    last = len(pattern)

    def part(match: re.Match[str]) -> str:
        anything = match.end() == last and (match[1] == "ObjectName" or match[1].endswith("WithPath"))
        return {**plain, **segments}.get(match[1], ".+" if anything else "[^:]+")

    return re.compile(_VARIABLE.sub(part, pattern), re.DOTALL)


def report(found: Soundness) -> str:
    """Return what was found as Markdown."""
    return f"""\
{found.stacks:,} generated stacks: {found.allowed:,} requests and pairs of requests that the evaluator allows, and \
{found.wide:,} questions about all actions of a service and a few conditions that cover one: the prover called \
{len(found.missed)} impossible; {found.witnesses:,} witnesses, of which {len(found.failed)} \
do not replay; {found.proved:,} proofs, and {found.undecided:,} left `NOT PROVED`."""
