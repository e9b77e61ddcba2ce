"""The curated list of reads that are not harmless, by class, and the statements that deny them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.catalogue import compact
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATA: Final = Path(__file__).with_name("sensitive_reads.json")
_SIDS: Final = {
    SensitiveRead.SECRET: "SensitiveSecrets",
    SensitiveRead.CREDENTIAL: "SensitiveCredentials",
    SensitiveRead.BULK_DATA: "SensitiveBulkData",
    SensitiveRead.CONFIGURATION: "SensitiveConfiguration",
    SensitiveRead.LOG: "SensitiveLogs",
}


@cache
def sensitive_actions(kind: SensitiveRead) -> tuple[str, ...]:
    """Return the actions of one class, in order."""
    classes = json.loads(_DATA.read_text(encoding="utf-8"))["classes"]
    return tuple(sorted(classes[kind.value]))


def kept(kinds: Iterable[SensitiveRead]) -> tuple[SensitiveRead, ...]:
    """Return the classes that stay denied when some are opted in."""
    opted = set(kinds)
    return tuple(kind for kind in SensitiveRead if kind not in opted)


@cache
def deny_policy(kind: SensitiveRead) -> PolicyDocument:
    """Return the policy that denies one class. It holds no name of any agent, so that all agents share it."""
    by_service: dict[str, list[str]] = {}
    for action in sensitive_actions(kind):
        by_service.setdefault(action.split(":")[0], []).append(action)
    patterns = tuple(p for service, names in sorted(by_service.items()) for p in compact(service, names))
    statement = Statement(
        sid=_SIDS[kind],
        effect="Deny",
        actions=patterns,
        resources=("*",),
        reason=f"reads of class {kind.value} are not harmless; an agent opts in class by class",
    )
    return PolicyDocument(f"sensitive-{kind.value}", (statement,))
