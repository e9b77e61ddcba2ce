"""Mutation of policies under the proof: without any one Deny, something must no longer be provable.

Layers overlap on purpose, so each policy is proved on its own: beside it, everything allows everything, and so does
the worst resource policy. What the policy alone proves is then asked again with one Deny taken away; a property of
which that makes a witness is what the Deny is there for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.properties import CONTEXTS, prove_subject
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.properties import agent_properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.iam.properties import Result, Subject

_DIRECT: Final = {"direct": CONTEXTS["direct"]}


@dataclass(frozen=True)
class ProofMutant:
    """A policy without one of its Deny statements.

    Args:
        agent: The agent.
        capability: The role.
        layer: ``identity``, ``boundary`` or ``scp``.
        document: The policy that it is missing from, as it is otherwise.
        sid: The Deny that is missing.
        witness: The first property that it takes with it, with the request; None where all is proved as before.
    """

    agent: str
    capability: str
    layer: str
    document: PolicyDocument
    sid: str
    witness: Result | None


def proof_mutants(subjects: Iterable[Subject]) -> Iterator[ProofMutant]:
    """Take each Deny of each role's policies away in turn, the layers around it replaced by ``Allow *``.

    Args:
        subjects: The roles.
    """
    for subject in subjects:
        for layer, document in _documents(subject.layers):
            denies = [statement for statement in document.statements if statement.effect == "Deny"]
            if not denies:
                continue
            around = _alone(subject, layer, document)
            proved = {r.property.id for r in _results(around) if r.proof.verdict is Verdict.PROVED}
            for statement in denies:
                mutant = _alone(subject, layer, document.without(statement.sid))
                open_ = (r for r in _results(mutant, proved) if r.proof.verdict is Verdict.WITNESS)
                witness = next(open_, None)
                yield ProofMutant(subject.agent, subject.capability, layer, document, statement.sid, witness)


def _results(subject: Subject, only: set[str] | None = None) -> Iterator[Result]:
    """Prove the properties of a role in one context."""
    wanted = (p for p in agent_properties(subject) if only is None or p.id in only)
    return prove_subject(subject, wanted, _DIRECT)


def _documents(layers: Layers) -> Iterator[tuple[str, PolicyDocument]]:
    """Yield every policy with its layer."""
    for document in layers.identity:
        yield "identity", document
    if layers.boundary is not None:
        yield "boundary", layers.boundary
    for level in layers.scps:
        for document in level:
            yield "scp", document


def _alone(subject: Subject, layer: str, document: PolicyDocument) -> Subject:
    """Return a role with one policy, everything around it allowing everything."""
    if layer == "identity":
        layers = Layers(identity=(document, FULL_ACCESS))
    elif layer == "boundary":
        layers = Layers(identity=(FULL_ACCESS,), boundary=document)
    else:
        layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, document),))
    return replace(subject, layers=layers)
