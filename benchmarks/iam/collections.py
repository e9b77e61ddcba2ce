"""How many escalation sets published SCP collections block for a new agent role, beside the library's own SCPs.

The collections are test data of others (``../shared/data/scp``); without them only the own SCPs are measured.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.documents import PolicyError, parse_json
from sudo_mcp_guardrails.iam.escalation import escalation_paths
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.organization.proof import new_agents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument

ROOT: Final = Path(__file__).parent.parent.parent
CORPUS: Final = Path(os.environ.get("MCP_GUARDRAILS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "scp"
OWN: Final = "sudo-mcp-guardrails, the agents' pack"
SETS: Final = len(escalation_paths())
_NETWORK: Final = "203.0.113.0/24"
_PLACEHOLDER: Final = re.compile(r"<[^>]*(?:cidr|ip)[^>]*>", re.IGNORECASE)
_ORDINARY: Final = ("ec2:DescribeInstances", "s3:GetObject", "lambda:InvokeFunction", "dynamodb:PutItem")
"""Work that a document must leave possible, any of it, to be more than a quarantine."""


@dataclass(frozen=True)
class Collection:
    """What one collection blocks.

    Args:
        name: Of the repository.
        documents: How many SCPs were read.
        skipped: How many were not understood, or stop everything.
        best: Sets that its best single document blocks.
        together: Sets that all of its documents block together, as if they could all be attached.
        characters: Of its best document, or of all own documents.
    """

    name: str
    documents: int
    skipped: int
    best: int
    together: int
    characters: int


def measure() -> list[Collection]:
    """Measure every collection, and the library's own SCPs, last."""
    by_repository: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if CORPUS.is_dir():
        for item in json.loads((CORPUS / "scp_corpus.json").read_text(encoding="utf-8")):
            if item["kind"] == "scp":
                by_repository[item["repo"]].append(item)
    found = [_collection(name, items) for name, items in sorted(by_repository.items())]
    scps = agent_scps()
    characters = sum(document.check_size(10**6) for document in scps)
    own = len(_blocked(scps))
    return [*found, Collection(OWN, len(scps), 0, own, own, characters)]


def _collection(name: str, items: list[dict[str, Any]]) -> Collection:
    """Measure one collection."""
    documents, skipped = [], 0
    for item in items:
        text = _PLACEHOLDER.sub(_NETWORK, json.dumps(item["document"]))
        try:
            document = parse_json(text, name=item["path"])
        except PolicyError:
            skipped += 1
            continue
        if _stops_everything(document):
            skipped += 1
        else:
            documents.append(document)
    blocked = {document.name: _blocked((document,)) for document in documents}
    best = max(blocked, key=lambda path: len(blocked[path]), default="")
    together = _blocked(documents)
    size = next((d.check_size(10**6) for d in documents if d.name == best), 0)
    return Collection(name, len(documents), skipped, len(blocked.get(best, ())), len(together), size)


def _stops_everything(document: PolicyDocument) -> bool:
    """Return whether a document leaves nothing possible: it blocks every path, and leaves no agent to guard."""
    subject = next(new_agents((document,), GuardrailNames()))
    proofs = Prover(subject.layers, subject.facts).actions(_ORDINARY)
    return all(proof.verdict is Verdict.PROVED for proof in proofs.values())


def _blocked(documents: Sequence[PolicyDocument]) -> frozenset[str]:
    """Return the escalation sets that SCPs block for every role of a new agent."""
    if not documents:
        return frozenset()
    found = frozenset(path.id for path in escalation_paths())
    for subject in new_agents(tuple(documents), GuardrailNames()):
        try:
            prover = Prover(subject.layers, subject.facts)
            proofs = {path.id: prover.prove(path.steps) for path in escalation_paths() if path.id in found}
        except PolicyError:
            return frozenset()
        found &= {id_ for id_, proof in proofs.items() if proof.verdict is Verdict.PROVED}
    return found


def report(found: Sequence[Collection]) -> str:
    """Return the table as Markdown."""
    rows = "\n".join(
        f"| {c.name} | {c.documents} | {c.best} | {c.together} | {c.characters:,} |" for c in found if c.documents
    )
    return f"""\
Escalation sets, of {SETS}, that are blocked for a new agent role with AdministratorAccess by SCPs alone:

| collection | SCPs | by the best one | by all together | characters of the best, or of all own |
|---|---:|---:|---:|---:|
{rows}

Placeholders for networks are replaced by {_NETWORK}; documents that stop everything are left out. All of a \
collection together is more than can be attached to one target, and some of it contradicts the rest."""
