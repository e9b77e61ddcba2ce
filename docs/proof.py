"""Writes what is proved into docs/proof.md, from the properties themselves: ``python -m docs.proof``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from docs.policies import ACCOUNT, EXAMPLE
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.iam.escalation import escalation_actions
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.properties import CONTEXTS, Subject
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.policies.declaration import declaration
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.policies.properties import agent_properties
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.subjects import workload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sudo_mcp_guardrails.iam.properties import Property

PAGE: Final = Path(__file__).with_suffix(".md")
MARKERS: Final = ("<!-- properties: begin -->", "<!-- properties: end -->")
_HEAD: Final = """\
{paths} escalation paths over {actions} actions, and {invariants} invariants, in {contexts} contexts. An invariant is
asked of those of an agent's {subjects} subjects that the table names, an escalation path of all.

| invariant | it must be impossible that the agent … | asked of | strict for |
|---|---|---|---|"""


def page() -> str:
    """Return the page with the list as it is now.

    Raises:
        ValueError: Where the page has not exactly one of each marker.
    """
    text = PAGE.read_text(encoding="utf-8")
    if [text.count(marker) for marker in MARKERS] != [1, 1]:
        raise ValueError(f"page {PAGE.name!r} is not allowed: expected {MARKERS[0]!r} and {MARKERS[1]!r}, once each")
    before, _, rest = text.partition(MARKERS[0])
    after = rest.partition(MARKERS[1])[2]
    return f"{before}{MARKERS[0]}\n{_properties()}\n{MARKERS[1]}{after}"


def subjects() -> Iterator[Subject]:
    """Yield the subjects of the example agent; without policies, since only what is asked of them matters here."""
    scope = AgentScope(EXAMPLE, ACCOUNT)
    declared = declaration(scope)
    values = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "eu-central-1"}
    own = (*declared.own, scope.names.workload_roles(EXAMPLE.name))
    for kind in ROLE_KINDS:
        subject = Subject(
            agent=EXAMPLE.name,
            capability=kind,
            layers=Layers(),
            facts=Facts(Principal(str(resolve(scope.names.role_arn(EXAMPLE.name, kind), values)), session="run")),
            own=tuple(str(resolve(pattern, values)) for pattern in own),
            passable=(str(resolve(scope.names.role_arn(EXAMPLE.name, "execution"), values)),),
            services=declared.services,
            regions=("eu-central-1",),
            accounts=declared.accounts,
        )
        yield subject
        if kind == "read":
            yield workload(subject)


def _properties() -> str:
    """Return the counts, and one line for each invariant."""
    asked = {subject.capability: agent_properties(subject) for subject in subjects()}
    kinds = {p.id: p.kind for properties in asked.values() for p in properties}
    invariants: dict[str, dict[str, Property]] = {}
    for capability, properties in asked.items():
        for wanted in properties:
            if wanted.kind == "invariant":
                invariants.setdefault(wanted.id, {})[capability] = wanted
    head = _HEAD.format(
        paths=sum(kind == "escalation" for kind in kinds.values()),
        actions=len(escalation_actions()),
        invariants=len(invariants),
        subjects=len(asked),
        contexts=len(CONTEXTS),
    )
    return "\n".join([head, *(_row(name, found, asked) for name, found in sorted(invariants.items()))])


def _row(name: str, found: dict[str, Property], every: Iterable[str]) -> str:
    """Return the line of one invariant."""
    title = next(iter(found.values())).title
    strict = [capability for capability, wanted in found.items() if wanted.strict]
    return f"| `{name.partition('/')[2]}` | {title} | {_listed(found, every)} | {_listed(strict, found)} |"


def _listed(some: Iterable[str], every: Iterable[str]) -> str:
    """Return some of the capabilities in words."""
    listed = list(some)
    return "all" if set(listed) == set(every) else ", ".join(listed) or "none"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
