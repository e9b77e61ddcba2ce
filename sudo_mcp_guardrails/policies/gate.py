"""Every property of every agent role in a synthesized app: what the gate of a synthesis and the command line ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.assembly import read_assembly
from sudo_mcp_guardrails.iam.properties import prove_subjects
from sudo_mcp_guardrails.iam.templates import read_templates
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.properties import agent_properties
from sudo_mcp_guardrails.policies.subjects import read_subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sudo_mcp_guardrails.iam.assembly import Assembly
    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.iam.properties import Result
    from sudo_mcp_guardrails.iam.request import Request
    from sudo_mcp_guardrails.iam.templates import TemplateRole
    from sudo_mcp_guardrails.policies.subjects import Subjects

_SHOWN: Final = 3
"""Keys of a request, or values of a key, beyond which a sentence is no longer readable."""


@dataclass(frozen=True)
class Proved:
    """What the gate found in an app.

    Args:
        assembly: What was read.
        subjects: The roles, and those about which nothing can be proved.
        results: One for each subject, property and context, with the role.
        problems: What stands in the way of a proof of all of the app, in words.
    """

    assembly: Assembly
    subjects: Subjects
    results: tuple[tuple[Result, TemplateRole], ...]
    problems: tuple[str, ...] = ()

    @property
    def known(self) -> dict[str, frozenset[str]]:
        """Ids of the properties that were asked, by agent."""
        known: dict[str, set[str]] = {declared.agent: set() for declared in self.subjects.declared}
        for result, _ in self.results:
            known[result.subject.agent].add(result.property.id)
        return {agent: frozenset(ids) for agent, ids in known.items()}


def prove_assembly(
    directory: Path,
    known_policies: Mapping[str, PolicyDocument] | None = None,
    made: Iterable[tuple[str, str, Any]] = (),
) -> Proved:
    """Prove every property of every agent role in a synthesized app.

    Args:
        directory: The ``cdk.out``.
        known_policies: Managed policies that are in no template, by ARN.
        made: (template file, key, value) of each declaration that the templates must hold, unchanged.

    Raises:
        TemplateError: For an assembly or a template that is not understood.
    """
    assembly = read_assembly(directory)
    subjects = read_subjects(assembly.templates, read_templates(assembly.templates, known_policies))
    roles = {id(subject): role for subject, role in subjects.decided}
    found = prove_subjects((subject, agent_properties(subject)) for subject, _ in subjects.decided)
    problems = (*unread(assembly), *subjects.problems, *_changed(assembly, made))
    return Proved(assembly, subjects, tuple((result, roles[id(result.subject)]) for result in found), problems)


def unread(assembly: Assembly) -> tuple[str, ...]:
    """Say which nested stacks cannot be read: they may attach anything to anybody."""
    return tuple(f"the template of nested stack {name!r} is not among the files" for name in assembly.unread)


def _changed(assembly: Assembly, made: Iterable[tuple[str, str, Any]]) -> Iterator[str]:
    """Say which declarations of agents the templates do not hold as they were made."""
    for file, key, value in made:
        held = [t.body.get("Metadata", {}).get(key) for t in assembly.templates if t.file.rsplit("/", 1)[-1] == file]
        if value not in held:
            agent = value["agent"]
            yield f"template {file!r} does not declare agent {agent!r} as it was made: its Metadata was changed"


def describe(result: Result) -> str:
    """Say in one line what is not proved: the request, and the statements that let it through."""
    subject, proof = result.subject, result.proof
    what = f"{subject.agent} ({subject.capability}): {result.property.title}: {proof.verdict.value}"
    if proof.verdict is not Verdict.WITNESS:
        return f"{what}: {proof.reason}"
    requests = ", then ".join(show_request(request) for request in proof.requests)
    through = ", ".join(f"{layer}:{sid}" for layer, sid in dict.fromkeys(proof.statements))
    return f"{what}: {requests}; let through by {through or 'no policy at all'}"


def show_request(request: Request) -> str:
    """Say in words what is asked, with the first few condition keys that do not follow from who asks."""
    keys = [
        f"{key}={value if isinstance(value, str) else '|'.join(value[:_SHOWN])}"
        for key, value in sorted(request.context.items())
        if request.principal.keys.get(key.lower()) != ((value,) if isinstance(value, str) else tuple(value))
    ]
    more = f" and {len(keys) - _SHOWN} more keys" if len(keys) > _SHOWN else ""
    context = f" with {', '.join(keys[:_SHOWN])}{more}" if keys else ""
    return f"{request.action} on {request.resource} in {request.region}{context}"
