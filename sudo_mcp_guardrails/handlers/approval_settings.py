"""What the functions of the approval workflow share: settings, stores and clients."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.risk_rules.levels import ActionLevels
from sudo_mcp_guardrails.approval.store.approvals_index import ApprovalsIndex
from sudo_mcp_guardrails.approval.store.case import Case
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsSigner, KmsVerifier
from sudo_mcp_guardrails.approval.store.recent import RecentPlans
from sudo_mcp_guardrails.approval.store.settings import LEVELS_FILE, SETTINGS_FILE, ApprovalSettings
from sudo_mcp_guardrails.approval.store.signers import Keys
from sudo_mcp_guardrails.approval.store.trust_store import TrustStore
from sudo_mcp_guardrails.state.kill_switch import KillSwitch, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Clients:
    """The clients of boto3 that a function uses; what a test does not need may be None."""

    dynamodb: Any = None
    s3: Any = None
    kms: Any = None
    stepfunctions: Any = None


def made_clients() -> Clients:
    """Return the clients of a function."""
    import boto3  # noqa: PLC0415 - Lambda has it, the package need not

    return Clients(*(boto3.client(name) for name in ("dynamodb", "s3", "kms", "stepfunctions")))


def settings_directory() -> Path:
    """Return where the files of settings are: the asset's root, unless ``APPROVAL_SETTINGS`` says otherwise."""
    named = os.environ.get("APPROVAL_SETTINGS", "")
    return Path(named) if named else Path(__file__).parents[2]


class Workplace:
    """Settings, stores and clock of one function; what it does not use is never made.

    Args:
        clients: of boto3; made when left out.
        environ: names of tables and keys. Default: the process's environment.
        clock: seconds since 1970.
        pause: see :class:`~sudo_mcp_guardrails.approval.store.evidence_store.EvidenceStore`.
        directory: of the files of settings. Default: :func:`settings_directory`.
    """

    def __init__(
        self,
        clients: Clients | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        directory: Path | None = None,
    ) -> None:
        self.clients = clients or made_clients()
        self.environ = os.environ if environ is None else environ
        self._clock = clock
        self._pause = pause
        self._directory = directory or settings_directory()

    @cached_property
    def settings(self) -> ApprovalSettings:
        """The settings."""
        text = (self._directory / SETTINGS_FILE).read_bytes()
        return ApprovalSettings.read(text, self.environ.get("AWS_REGION", ""))

    @cached_property
    def levels(self) -> ActionLevels:
        """The access levels of all actions."""
        return ActionLevels.read((self._directory / LEVELS_FILE).read_text(encoding="utf-8"))

    @cached_property
    def keys(self) -> Keys:
        """The keys that count."""
        named = self.environ
        return Keys(
            named["EVIDENCE_KEY"], named["DECISION_KEY"], named.get("TRUST_KEY", ""), named.get("RESPONDER_KEY", "")
        )

    @cached_property
    def verifier(self) -> KmsVerifier:
        """Verifies signatures."""
        return KmsVerifier(self.clients.kms)

    @cached_property
    def evidence(self) -> EvidenceStore:
        """The chains of evidence, signed with the evidence key."""
        return self._store(self.environ["EVIDENCE_TABLE"], self.keys.evidence)

    @cached_property
    def trust(self) -> TrustStore | None:
        """The ledgers of trust; None where no agent earns any."""
        policy, table = self.settings.trust, self.environ.get("TRUST_TABLE", "")
        if policy is None or not table or not self.keys.trust:
            return None
        return TrustStore(self._store(table, self.keys.trust), self.verifier, self.keys, policy)

    @cached_property
    def index(self) -> ApprovalsIndex:
        """The index of approvals."""
        return ApprovalsIndex(self.clients.dynamodb, self.environ["APPROVALS_TABLE"])

    @cached_property
    def recent(self) -> RecentPlans:
        """What agents proposed lately."""
        return RecentPlans(self.clients.dynamodb, self.environ["EVIDENCE_TABLE"])

    @property
    def bucket(self) -> str:
        """The evidence bucket."""
        return self.environ["EVIDENCE_BUCKET"]

    def allows(self, agent: str) -> Verdict:
        """Ask the kill switch about an agent, anew each time; without one everybody is allowed."""
        table = self.environ.get("KILL_SWITCH_TABLE")
        if table is None:
            return Verdict(allowed=True)
        return KillSwitch.reading(self.clients.dynamodb, table, self.environ["PREFIX"]).allows(agent)

    def now(self) -> int:
        """Return the time, in whole seconds since 1970."""
        return int(self._clock())

    def case(self, approval: str) -> Case:
        """Return an approval with its checked chain; raises EvidenceError."""
        return Case.load(self.evidence, approval, self.verifier, self.keys)

    def _store(self, table: str, key: str) -> EvidenceStore:
        signer = KmsSigner(self.clients.kms, key)
        clients = self.clients
        return EvidenceStore(clients.dynamodb, clients.s3, table, self.bucket, signer, self._clock, pause=self._pause)


_workplaces: list[Workplace] = []


def workplace(clients: Workplace | None) -> Workplace:
    """Return what a handler was given, or the process's own, which is made once."""
    if clients is not None:
        return clients
    if not _workplaces:
        _workplaces.append(Workplace())
    return _workplaces[0]
