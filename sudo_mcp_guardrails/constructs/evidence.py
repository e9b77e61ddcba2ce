"""The evidence of a synthesis: what was checked, by which versions, on which templates, and what came of it."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import sudo_mcp_guardrails
from sudo_mcp_guardrails.iam.catalogue import catalogue_version
from sudo_mcp_guardrails.iam.escalation import CATALOGUE_VERSION
from sudo_mcp_guardrails.iam.properties import CONTEXTS
from sudo_mcp_guardrails.iam.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from sudo_mcp_guardrails.iam.properties import Result
    from sudo_mcp_guardrails.iam.request import Request
    from sudo_mcp_guardrails.policies.exemptions import Exemption
    from sudo_mcp_guardrails.policies.gate import Proved

EVIDENCE_FILE: Final = "guardrails-evidence.json"
SCHEMA: Final = 1
"""Of the file; a change that readers must know of is a new number."""


def write_evidence(
    directory: Path,
    proved: Proved,
    *,
    packs: Sequence[str],
    acknowledged: Iterable[tuple[str, str]],
    exemptions: Sequence[Exemption],
    today: date,
) -> None:
    """Write ``guardrails-evidence.json`` beside the templates; the same app gives the same bytes.

    The CDK refuses a plugin that changes a file of the assembly; a new one it leaves alone.
    """
    found = evidence(directory, proved, packs=packs, acknowledged=acknowledged, exemptions=exemptions, today=today)
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (directory / EVIDENCE_FILE).write_text(text, encoding="utf-8")


def evidence(
    directory: Path,
    proved: Proved,
    *,
    packs: Sequence[str],
    acknowledged: Iterable[tuple[str, str]],
    exemptions: Sequence[Exemption],
    today: date,
) -> dict[str, Any]:
    """Return the evidence.

    Args:
        directory: The ``cdk.out``, whose templates are digested.
        proved: What the gate found.
        packs: Names of cdk-nag's packs that ran; what they found is in the CDK's own ``validation-report.json``.
        acknowledged: (construct path, id) of the packs' findings that are accepted.
        exemptions: What need not hold for a while.
        today: Tells which exemptions have expired.
    """
    verdicts = [result.proof.verdict for result, _ in proved.results]
    return {
        "schema": SCHEMA,
        "versions": {
            "sudo-mcp-guardrails": sudo_mcp_guardrails.__version__,
            "aws-cdk-lib": version("aws-cdk-lib"),
            "cdk-nag": version("cdk-nag"),
            "action-catalogue": catalogue_version(),
            "escalation-catalogue": CATALOGUE_VERSION,
        },
        "packs": sorted(packs),
        "contexts": sorted(CONTEXTS),
        "summary": {
            "agents": len({declared.agent for declared in proved.subjects.declared}),
            "proved": verdicts.count(Verdict.PROVED),
            "witnesses": verdicts.count(Verdict.WITNESS),
            "not_proved": verdicts.count(Verdict.NOT_PROVED) + len(proved.subjects.undecided) + len(proved.problems),
        },
        "properties": {result.property.id: result.property.title for result, _ in proved.results},
        "subjects": _subjects(proved),
        "problems": list(proved.problems),
        "undecided": [
            {"agent": u.agent, "role": u.role.arn, "template": u.role.template.file, "reason": u.reason}
            for u in proved.subjects.undecided
        ],
        "exemptions": [
            {
                "property": e.property,
                "agent": e.agent,
                "owner": e.owner,
                "until": e.until.isoformat(),
                "reason": e.reason,
                "expired": today > e.until,
            }
            for e in exemptions
        ],
        "acknowledged": [{"construct": path, "finding": finding} for path, finding in acknowledged],
        "unread_nested_stacks": list(proved.assembly.unread),
        "templates": {
            template.file: hashlib.sha256((directory / template.file).read_bytes()).hexdigest()
            for template in proved.assembly.templates
        },
    }


def _subjects(proved: Proved) -> list[dict[str, Any]]:
    """Return the verdicts of each role. What it was asked and is not open is proved, in every context."""
    every = {result.property.id for result, _ in proved.results}
    grouped: dict[tuple[str, str, str], list[Result]] = {}
    for result, _ in proved.results:
        subject = result.subject
        key = (subject.agent, subject.capability, subject.facts.principal.account)
        grouped.setdefault(key, []).append(result)
    found = []
    for (agent, capability, account), results in sorted(grouped.items()):
        open_ = [result for result in results if result.proof.verdict is not Verdict.PROVED]
        asked = {result.property.id for result in results}
        found.append(
            {
                "agent": agent,
                "capability": capability,
                "account": account,
                "role": results[0].subject.facts.principal.arn,
                "proved": len(asked - {result.property.id for result in open_}),
                # Hundreds of ids for each of hundreds of roles: the few that differ say the same.
                "not_asked": sorted(every - asked),
                "open": [_open(result) for result in open_],
            }
        )
    return found


def _open(result: Result) -> dict[str, Any]:
    return {
        "property": result.property.id,
        "context": result.context,
        "verdict": result.proof.verdict.value,
        "reason": result.proof.reason,
        "requests": [_request(request) for request in result.proof.requests],
        "sids": [list(pair) for pair in result.proof.statements],
    }


def _request(request: Request) -> dict[str, Any]:
    context = {key: value if isinstance(value, str) else list(value) for key, value in request.context.items()}
    return {"action": request.action, "resource": request.resource, "region": request.region, "context": context}
