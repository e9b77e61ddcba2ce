"""What is asked for: one plan, by one requester, until one moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sudo_mcp_guardrails.agents import RiskClass  # noqa: TC001 - the codec reads it at run time
from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.bounds import MAX_ITEMS, check_digest, check_name, check_names, check_text
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import Time, check_time, written  # noqa: TC001 - the codec reads it at run time

MAX_LIFE: Final = 4 * 3600
"""Longest life of an approval, in seconds; AWS DevOps Agent's directed actions have the same limit."""
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")
_NONCE: Final = re.compile(r"[0-9a-f]{32,128}")
_ACCOUNT: Final = re.compile(r"(\d{12})?", re.ASCII)


@dataclass(frozen=True)
class Requester:
    """Who asks: none of them ever decides.

    Attributes:
        agent: name of the agent.
        run: id of its run.
        person: identity of the person behind the run, as AWS or the identity provider verified it.
        owner: the person or team that answers for the agent.

    Raises:
        DecisionError: one is empty: somebody who is not known cannot be told from who approves.
    """

    agent: str
    run: str
    person: str
    owner: str

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("agent", "run", "person", "owner"):
            check_name(f"requester's {name}", getattr(self, name))


@dataclass(frozen=True)
class ApprovalRequest(codec.Documented):
    """One request for approval; ``approval_digest`` covers all of it.

    Attributes:
        id: 8 to 64 letters, digits, ``_`` and ``-``.
        plan_digest: of the plan.
        risk: of the plan.
        reasons: why it has that risk, worst first, as the approver is shown them.
        requester: who asks.
        environment: name of the agent's environment.
        account: 12 digits, or empty where the plan is about several.
        region: such as ``eu-central-1``, or empty.
        ticket: the reason that people gave.
        created: when it was made.
        expires: when it ends; at most four hours later.
        nonce: at least 128 random bits in hexadecimal digits, so that no two requests share a digest.
        policy_version: of the policy that decides it.
        services: IAM prefixes of the services that the plan touches; empty where nobody knows, and then only groups
            that decide about all services may.

    Raises:
        DecisionError: a value is none, with the ones that are allowed.
    """

    id: str
    plan_digest: str
    risk: RiskClass
    reasons: tuple[str, ...]
    requester: Requester
    environment: str
    account: str
    region: str
    ticket: str
    created: Time
    expires: Time
    nonce: str
    policy_version: str
    services: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        if not _ID.fullmatch(self.id):
            raise DecisionError(f"approval id {self.id[:80]!r} is none, allowed: 8 to 64 letters, digits, '_' and '-'")
        check_digest("plan digest", self.plan_digest)
        check_digest("policy version", self.policy_version)
        if len(self.reasons) > MAX_ITEMS:
            raise DecisionError(f"the request has {len(self.reasons)} reasons, allowed are {MAX_ITEMS}")
        for reason in self.reasons:
            check_text("reason", reason)
        check_name("environment", self.environment)
        check_name("region", self.region, empty=True)
        check_name("ticket", self.ticket)
        check_names("services", self.services)
        if not _ACCOUNT.fullmatch(self.account):
            raise DecisionError(f"account {self.account[:40]!r} is none, allowed: 12 digits, or empty")
        if not _NONCE.fullmatch(self.nonce):
            raise DecisionError("the nonce is none, allowed: 32 to 128 hexadecimal digits in lower case")
        check_time("created", self.created)
        check_time("expires", self.expires)
        if not 0 < self.expires - self.created <= MAX_LIFE:
            raise DecisionError(
                f"the request expires {written(self.expires)}, allowed: up to {MAX_LIFE} seconds after "
                f"{written(self.created)}"
            )

    @classmethod
    def from_document(cls, document: object) -> ApprovalRequest:
        """Read it from JSON; raises DecisionError."""
        return codec.read(cls, document, "request")
