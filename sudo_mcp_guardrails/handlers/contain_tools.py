"""What the function that contains works with: settings, stores, and clients that act in the agents' accounts.

Environment: ``PREFIX``, ``PARTITION``, ``ACCOUNT``, ``SWITCH_TABLE``, ``RECORDS_BUCKET``, ``EVIDENCE_TABLE``,
``EVIDENCE_KEY``, ``ORGANIZATION`` (JSON: ``scps``, ``targets``, ``account``), and optionally
``CONTAINMENT_SETTINGS``. Where some restorations take two people also ``TWO_PEOPLE_FROM`` and ``DECISIONS_KEY``; where
there is an approval workflow also ``APPROVALS_TABLE``, ``APPROVAL_EVIDENCE_TABLE``, ``APPROVAL_EVIDENCE_BUCKET``,
``APPROVAL_TOKENS_TABLE``, and ``TERRAFORM_AGENTS`` (names, with commas between them), whose plans projects apply.
"""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.store.containing import ContainedApprovals
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsSigner, KmsVerifier
from sudo_mcp_guardrails.approval.store.tokens import TokenStore
from sudo_mcp_guardrails.policies.containment.names import organization_response_name, response_name, response_path
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.response.errors import ContainmentError
from sudo_mcp_guardrails.response.estate import Estate
from sudo_mcp_guardrails.response.ledger import Ledger
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.records import S3Records
from sudo_mcp_guardrails.response.settings import SETTINGS_FILE, ResponseSettings
from sudo_mcp_guardrails.response.two_people import Signers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OWN: Final = frozenset({"dynamodb"})
"""Services that the function uses as itself: the switch is its own."""
_SECONDS: Final = 3_600


class RoleClients:
    """Clients that act as the response role of an account, each made once.

    Args:
        make: Makes a client of boto3 from a service, a Region, and the credentials of a session or none.
        environ: Names; see the module.
        approvals: Withdraws approvals; None where there is no approval workflow.
    """

    def __init__(
        self, make: Callable[..., Any], environ: Mapping[str, str], approvals: ContainedApprovals | None = None
    ) -> None:
        self._make = make
        self._approvals = approvals
        self._names = GuardrailNames(environ["PREFIX"])
        self._partition = environ["PARTITION"]
        self._region = environ["AWS_REGION"]
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._sessions: dict[tuple[str, str], Mapping[str, str]] = {}
        self._lock = threading.Lock()

    def client(self, service: str, account: str, region: str) -> Any:  # noqa: ANN401 - of boto3
        """Return a client; raises what STS answers, and ContainmentError for approvals where there is no workflow."""
        if service == "approvals":
            if self._approvals is None:
                raise ContainmentError("approvals are not withdrawn: this function is told of no approval workflow")
            return self._approvals
        key = (service, account, region)
        with self._lock:
            if key not in self._clients:
                credentials = None if service in _OWN else self._session(service, account)
                self._clients[key] = self._make(service, region or self._region, credentials)
            return self._clients[key]

    def _session(self, service: str, account: str) -> Mapping[str, str]:
        name = (organization_response_name if service == "organizations" else response_name)(self._names)
        if (account, name) not in self._sessions:
            answer = self._make("sts", self._region, None).assume_role(
                RoleArn=f"arn:{self._partition}:iam::{account}:role{response_path(self._names)}{name}",
                RoleSessionName="containment",
                DurationSeconds=_SECONDS,
            )
            self._sessions[account, name] = answer["Credentials"]
        return self._sessions[account, name]


@dataclass(frozen=True)
class Tools:
    """What the function works with.

    Attributes:
        settings: Of the deployment.
        clients: Act in the agents' accounts.
        s3: boto3's client of S3, as the function itself; likewise the next three.
        dynamodb: of DynamoDB.
        kms: of KMS.
        cloudtrail: of CloudTrail.
        environ: Names; see the module.
        clock: Seconds since 1970.
        pause: Waits.
    """

    settings: ResponseSettings
    clients: Any
    s3: Any
    dynamodb: Any
    kms: Any
    cloudtrail: Any
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = field(default=time.sleep)

    @property
    def names(self) -> GuardrailNames:
        """Names of the guardrails' own resources."""
        return GuardrailNames(self.environ["PREFIX"])

    @property
    def records(self) -> S3Records:
        """The restore records."""
        return S3Records(self.s3, self.environ["RECORDS_BUCKET"])

    @property
    def ledger(self) -> Ledger:
        """The evidence."""
        signer = KmsSigner(self.kms, self.environ["EVIDENCE_KEY"])
        table, bucket = self.environ["EVIDENCE_TABLE"], self.environ["RECORDS_BUCKET"]
        return Ledger(EvidenceStore(self.dynamodb, self.s3, table, bucket, signer, self.clock, pause=self.pause))

    @property
    def two_people_from(self) -> Level | None:
        """The lowest level whose restoration takes two people; None where none does."""
        named = self.environ.get("TWO_PEOPLE_FROM", "")
        return Level(named) if named else None

    @property
    def signers(self) -> Signers:
        """The keys whose signatures count in a target's chain."""
        return Signers(self.environ["EVIDENCE_KEY"], self.environ["DECISIONS_KEY"], KmsVerifier(self.kms))

    @property
    def estate(self) -> Estate:
        """What there is to contain; raises ContainmentError."""
        return estate_of(self.settings, self.environ)


def estate_of(settings: ResponseSettings, environ: Mapping[str, str]) -> Estate:
    """Return what there is to contain.

    Args:
        settings: Of the deployment.
        environ: Names; see the module.

    Raises:
        ContainmentError: A name or an id is none.
    """
    organization = json.loads(environ.get("ORGANIZATION") or "{}")
    return Estate(
        agents=settings.agents,
        account=environ["ACCOUNT"],
        region=environ["AWS_REGION"],
        names=GuardrailNames(environ["PREFIX"]),
        partition=environ["PARTITION"],
        table=environ["SWITCH_TABLE"],
        scps=organization.get("scps", {}),
        scp_targets=tuple(organization.get("targets", ())),
        organization_account=organization.get("account", ""),
        unbound_accounts=settings.unbound_accounts,
        has_approvals=bool(environ.get("APPROVALS_TABLE")),
        terraform_agents=tuple(filter(None, environ.get("TERRAFORM_AGENTS", "").split(","))),
    )


def read_settings() -> ResponseSettings:
    """Return the settings at the asset's root, unless ``CONTAINMENT_SETTINGS`` names another directory."""
    named = os.environ.get("CONTAINMENT_SETTINGS", "")
    directory = Path(named) if named else Path(__file__).parents[2]
    return ResponseSettings.read((directory / SETTINGS_FILE).read_bytes())


def made_tools() -> Tools:
    """Return the tools of a function, with clients of its own."""
    import boto3  # noqa: PLC0415 - slow to import
    from botocore.config import Config  # noqa: PLC0415 - slow to import

    config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 6})

    def make(service: str, region: str, credentials: Mapping[str, str] | None) -> Any:  # noqa: ANN401 - of boto3
        given = {}
        if credentials is not None:
            given = {
                "aws_access_key_id": credentials["AccessKeyId"],
                "aws_secret_access_key": credentials["SecretAccessKey"],
                "aws_session_token": credentials["SessionToken"],
            }
        return boto3.client(service, region_name=region, config=config, **given)

    own = {name: make(name, os.environ["AWS_REGION"], None) for name in ("s3", "dynamodb", "kms", "cloudtrail")}
    # Made for each invocation: sessions end, and a settings file changes with the asset alone.
    approvals = made_approvals(own, os.environ, lambda: make("stepfunctions", os.environ["AWS_REGION"], None))
    clients = RoleClients(make, os.environ, approvals)
    return Tools(settings=read_settings(), clients=clients, environ=os.environ, **own)


def made_approvals(
    own: Mapping[str, Any], environ: Mapping[str, str], stepfunctions: Callable[[], Any]
) -> ContainedApprovals | None:
    """Return what withdraws approvals; None where the environment names no workflow.

    Args:
        own: Clients of ``dynamodb``, ``s3`` and ``kms``, as the function itself.
        environ: Names; see the module.
        stepfunctions: Makes the client of Step Functions.
    """
    requests = environ.get("APPROVALS_TABLE", "")
    if not requests:
        return None
    signer = KmsSigner(own["kms"], environ["EVIDENCE_KEY"])
    table, bucket = environ["APPROVAL_EVIDENCE_TABLE"], environ["APPROVAL_EVIDENCE_BUCKET"]
    return ContainedApprovals(
        own["dynamodb"],
        stepfunctions(),
        requests,
        EvidenceStore(own["dynamodb"], own["s3"], table, bucket, signer),
        TokenStore(own["dynamodb"], environ["APPROVAL_TOKENS_TABLE"]),
        signer,
    )
