"""One decision of one person: what he states, and what proves that it is he who states it, now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.bounds import check_digest, check_name, check_names, check_text
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.deciding.delegation import Proxy  # noqa: TC001 - the codec reads it at run time
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import Time, check_time  # noqa: TC001 - the codec reads it at run time

CHALLENGE_KIND: Final = "decision-challenge/1"
DECISION_KIND: Final = "decision/1"
_MAX_PROOF: Final = 16_384


class Verdict(str, Enum):
    """What is decided."""

    APPROVE = "approve"
    REFUSE = "refuse"


class FactorKind(str, Enum):
    """What proves that the person is there now."""

    WEBAUTHN = "webauthn"
    """An assertion of a passkey or a security key over the decision's challenge."""
    JWT = "jwt"
    """A token of an identity provider, as the authorizer verified it, that says when and how the person signed in."""
    MFA = "mfa"
    """A session of an IAM user, on a path whose policy limits ``aws:MultiFactorAuthAge``."""


@dataclass(frozen=True)
class Factor:
    """What the handler verified, before it recorded the decision.

    Attributes:
        kind: of the proof.
        issuer: who vouches: the relying party's id, the token's issuer, or the account of the IAM user.
        auth_time: of a token: when the person signed in, its claim ``auth_time``. None where it does not say.
        amr: of a token: how the person signed in (RFC 8176); empty where it does not say.
        mfa_age: of an IAM user: seconds since the second factor, or the most that the path's policy lets through.
            None where nobody knows.
        bound_digest: challenge that was signed: of an assertion always; of a token where its ``nonce`` was it. Empty
            where none was.
        user_verified: of an assertion: the authenticator checked a finger, a face or a PIN.
        credential: id of the credential, or the serial number of the MFA device; empty where there is none.
        proof: of an assertion: clientDataJSON, authenticatorData and signature in base64url, so that an auditor can
            verify them again.

    Raises:
        DecisionError: a value is out of bounds.
    """

    kind: FactorKind
    issuer: str
    auth_time: Time | None = None
    amr: tuple[str, ...] = ()
    mfa_age: int | None = None
    bound_digest: str = ""
    user_verified: bool = False
    credential: str = ""
    proof: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        check_name("issuer", self.issuer)
        check_names("amr", self.amr)
        if self.auth_time is not None:
            check_time("auth_time", self.auth_time)
        if self.bound_digest:
            check_digest("bound digest", self.bound_digest)
        if len(self.credential) > 2_000:  # noqa: PLR2004 - WebAuthn's ids have up to 1,023 bytes
            raise DecisionError(f"credential has {len(self.credential)} characters, allowed are 2000")
        if len(self.proof) > 3 or any(len(part) > _MAX_PROOF for part in self.proof):  # noqa: PLR2004 - as above
            raise DecisionError(f"the proof is too large, allowed are 3 parts of up to {_MAX_PROOF} characters")


@dataclass(frozen=True)
class Statement:
    """What a person states, and what his authenticator signs.

    Attributes:
        approval_id: of the request.
        approval_digest: of the request.
        plan_digest: of the plan that he saw.
        approver: identity that he signed in by.
        verdict: what he decides.
        token_id: of the token that the page gave him: its hash, never the token itself. It is good for one decision.
        comment: why, up to 2,000 characters; with ``break_glass`` it must say why.
        on_behalf_of: id of the delegation that he acts under; empty where he acts for himself.
        break_glass: whether he decides alone, and outside of the calendar.

    Raises:
        DecisionError: a value is out of bounds.
    """

    approval_id: str
    approval_digest: str
    plan_digest: str
    approver: str
    verdict: Verdict
    token_id: str
    comment: str = ""
    on_behalf_of: str = ""
    break_glass: bool = False

    def __post_init__(self) -> None:
        """Validate."""
        check_name("approval id", self.approval_id)
        check_digest("approval digest", self.approval_digest)
        check_digest("plan digest", self.plan_digest)
        check_name("approver", self.approver)
        check_digest("token id", self.token_id)
        check_text("comment", self.comment)
        check_name("delegation", self.on_behalf_of, empty=True)

    @cached_property
    def challenge(self) -> str:
        """The WebAuthn challenge, 64 hexadecimal digits for its 32 bytes.

        It covers the approval's digest, and also the verdict, the comment and the token: an assertion for a refusal is
        none for an approval, and one that was recorded is good for nothing else.
        """
        return digest(CHALLENGE_KIND, codec.document(self))


@dataclass(frozen=True)
class Decision(codec.Documented):
    """A statement, with what was verified when it came in.

    Attributes:
        statement: what the person states.
        groups: he was in at that moment, as the identity provider answered then, and not as his token says.
        time: when it came in, by the clock of the handler.
        factor: what proves that it is he.
        proxy: whom he stands in for, where he does.

    Raises:
        DecisionError: a value is out of bounds, or the delegation is another one than is stated.
    """

    statement: Statement
    groups: tuple[str, ...]
    time: Time
    factor: Factor
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        """Validate."""
        check_names("groups", self.groups)
        check_time("time", self.time)
        stated = self.proxy.delegation.id if self.proxy else ""
        if self.statement.on_behalf_of != stated:
            raise DecisionError(f"delegation {self.statement.on_behalf_of!r} is stated, and {stated!r} is shown")

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the whole decision: what a KMS key signs, and what the state machine verifies."""
        return digest(DECISION_KIND, self.document())

    @classmethod
    def from_document(cls, document: object) -> Decision:
        """Read it from JSON; raises DecisionError."""
        return codec.read(cls, document, "decision")
