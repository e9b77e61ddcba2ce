"""What the approval page's API works with: stores signed with the decision key, the directory, and who asks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
from sudo_mcp_guardrails.approval.deciding.directory import read_directories
from sudo_mcp_guardrails.approval.errors import DecisionError, EvidenceError
from sudo_mcp_guardrails.approval.store.credentials import CredentialStore
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsSigner
from sudo_mcp_guardrails.approval.store.tokens import TokenStore
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal
from sudo_mcp_guardrails.handlers.approval_settings import Clients, Workplace

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.directory import Directories, Identity
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_api_request import Request

MAX_PEOPLES_RECORDS: Final = 1_000
"""Most records that an approval gets by its page: a chain that is full could not be decided any more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ApiClients(Clients):
    """The clients of boto3 that the API uses; what a test does not need may be None."""

    cognito: Any = None
    identitystore: Any = None
    iam: Any = None


@dataclass(frozen=True)
class Caller:
    """Who asks, and what is known of him.

    Attributes:
        identity: as the authorizer verified it.
        person: whom the policy knows by it, in the form that people are compared by.
        groups: that he is in now.
    """

    identity: Identity
    person: str
    groups: tuple[str, ...]


class ApiPlace(Workplace):
    """Settings, stores and clock of the API function; arguments as of :class:`Workplace`."""

    @property
    def page(self) -> str:
        """URL of the page."""
        return self.environ["PAGE_URL"]

    @cached_property
    def decision_signer(self) -> KmsSigner:
        """Signs what people do."""
        return KmsSigner(self.clients.kms, self.keys.decision)

    @cached_property
    def decisions(self) -> EvidenceStore:
        """The chains of evidence, signed with the decision key."""
        made = self.clients
        table = self.environ["EVIDENCE_TABLE"]
        return EvidenceStore(
            made.dynamodb, made.s3, table, self.bucket, self.decision_signer, self._clock, pause=self._pause
        )

    @cached_property
    def tokens(self) -> TokenStore:
        """The task tokens that the state machine waits with."""
        return TokenStore(self.clients.dynamodb, self.environ["TOKENS_TABLE"])

    @cached_property
    def credentials(self) -> CredentialStore:
        """Keys that people enrolled."""
        return CredentialStore(self.clients.dynamodb, self.environ["CREDENTIALS_TABLE"])

    @cached_property
    def directory(self) -> Directories:
        """Who is in which groups."""
        made = self.clients
        clients = {
            "cognito": getattr(made, "cognito", None),
            "identity-center": getattr(made, "identitystore", None),
            "iam": getattr(made, "iam", None),
            "table": made.dynamodb,
        }
        return read_directories(self.environ["DIRECTORY"], clients)

    @cached_property
    def party(self) -> RelyingParty | None:
        """The relying party of WebAuthn; None where no assertions are taken."""
        found = self.settings.relying_party
        return RelyingParty(str(found["id"]), tuple(found["origins"])) if found else None

    def caller(self, request: Request) -> Caller:
        """Return who asks.

        Raises:
            Refusal: it is nobody whom the policy knows, or his groups cannot be told.
        """
        identity = request.identity()
        person = self.settings.policy.people.of(identity.name)
        if person is None:
            raise Refusal(403, f"{identity.name!r} is nobody that the policy knows")
        return Caller(identity, person, self.groups(identity))

    def groups(self, identity: Identity) -> tuple[str, ...]:
        """Return the groups that somebody is in now.

        Raises:
            Refusal: nobody can tell.
        """
        try:
            return self.directory.groups(identity)
        except DecisionError as error:
            raise Refusal(403, str(error)) from None
        except Exception as error:
            # An answer that did not come is no group: nobody decides by what he was in before.
            _log.exception("the directory could not be asked")
            raise Refusal(503, "the directory could not be asked who is in which group: try again") from error

    def asked_case(self, approval: str, caller: Caller) -> Case:
        """Return an approval, for somebody who may see it: of a group of the policy, or behind the request.

        Raises:
            Refusal: there is none, its evidence is not whole, or he may not see it.
        """
        if self.index.get(approval) is None:
            raise Refusal(404, f"approval {approval[:80]!r} is not known")
        try:
            case = self.case(approval)
        except EvidenceError as error:
            if not self.evidence.records(approval):
                raise Refusal(409, f"approval {approval!r} is not judged yet: try again in a moment") from None
            raise Refusal(409, f"nothing is decided here: {error}") from None
        if not self.may_read(caller) and not self.behind(case, caller):
            raise Refusal(403, f"{caller.identity.name!r} is in no group that decides here")
        return case

    def may_read(self, caller: Caller) -> bool:
        """Return whether somebody is in one of the policy's groups."""
        return bool({group.name for group in self.settings.policy.groups}.intersection(caller.groups))

    def behind(self, case: Case, caller: Caller) -> bool:
        """Return whether somebody asked himself, or answers for the agent."""
        people = self.settings.policy.people
        requester = case.request.requester
        return caller.person in {people.of(requester.person), people.of(requester.owner)}

    def check_room(self, case: Case) -> None:
        """Check that an approval takes further records of people; raises Refusal."""
        if sum(record.key_id == self.keys.decision for record in case.records) >= MAX_PEOPLES_RECORDS:
            raise Refusal(
                429, f"the approval has {MAX_PEOPLES_RECORDS} records of views and decisions: ask for a new one"
            )


def made_api_clients() -> ApiClients:
    """Return the clients of the API function."""
    import boto3  # noqa: PLC0415 - Lambda has it, the package need not

    names = ("dynamodb", "s3", "kms", "stepfunctions", "cognito-idp", "identitystore", "iam")
    return ApiClients(*(boto3.client(name) for name in names))
