"""Whether somebody proves, at this decision, that he is there himself.

Three proofs are taken: a WebAuthn assertion over the decision's challenge; a token of an identity provider that says
when (``auth_time``) and how (``amr``) he signed in, under five minutes ago; an IAM user's session whose second factor
is as young (``aws:MultiFactorAuthAge``). What an identity provider does not say is no. Amazon Cognito's user pools say
``auth_time`` and no ``amr``: there, the page asks for an assertion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.bounds import check_name, check_names
from sudo_mcp_guardrails.approval.deciding.decision import Factor, FactorKind
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import LAST, written

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_AGE: Final = 300
"""Oldest proof that any policy takes, in seconds."""
MAX_SKEW: Final = 120
AMR: Final = ("mfa", "hwk", "otp", "webauthn", "fido")
"""Methods of which one must have been used: three of RFC 8176, and two that identity providers write."""
_WEAK: Final = frozenset({"pwd", "pin", "kba", "rba", "geo", "user", "wia"})
"""Methods that prove no second factor, or name none; no policy can take them."""
_KNOWLEDGE: Final = frozenset({"pwd", "pin", "kba"})
_SECONDS: Final = re.compile(r"\d{1,12}(?:\.0+)?", re.ASCII)


@dataclass(frozen=True)
class Issuer:
    """Somebody whose word on a sign-in is believed.

    Attributes:
        kind: of the proofs that are believed of it.
        name: the relying party's id, the token's issuer, or the account.
    """

    kind: FactorKind
    name: str

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("issuer", self.name)


@dataclass(frozen=True)
class Freshness:
    """What a policy takes for a proof.

    Attributes:
        issuers: who is believed. Default: nobody, and then nobody can decide.
        max_age: oldest sign-in, and longest life of a token of the page, in seconds: 1 to 300.
        skew: seconds by which clocks of others may be ahead, 0 to 120.
        amr: methods of which a token must name one.

    Raises:
        DecisionError: a value is out of bounds, or a method proves nothing.
    """

    issuers: tuple[Issuer, ...] = ()
    max_age: int = MAX_AGE
    skew: int = 60
    amr: tuple[str, ...] = AMR

    def __post_init__(self) -> None:
        """Validate."""
        if not 1 <= self.max_age <= MAX_AGE:
            raise DecisionError(f"an age of {self.max_age} seconds is not allowed, allowed are 1 to {MAX_AGE}")
        if not 0 <= self.skew <= MAX_SKEW:
            raise DecisionError(f"a skew of {self.skew} seconds is not allowed, allowed are 0 to {MAX_SKEW}")
        check_names("amr", self.amr)
        weak = sorted(_WEAK.intersection(self.amr))
        if weak:
            raise DecisionError(f"method {weak[0]!r} proves no second factor, allowed are others, such as {AMR[0]!r}")


def check_fresh(factor: Factor, challenge: str, time: int, since: int, rules: Freshness) -> bool:
    """Check that a proof is one, and fresh.

    Args:
        factor: the proof.
        challenge: of the decision.
        time: when the decision came in.
        since: when the request was made; a sign-in before it was for something else.
        rules: the policy's.

    Returns:
        Whether it shows two factors.

    Raises:
        DecisionError: it does not prove that the person is there now, with the reason.
    """
    if Issuer(factor.kind, factor.issuer) not in rules.issuers:
        raise DecisionError(f"{factor.issuer!r} is not believed for proofs of kind {factor.kind.value!r}")
    if factor.bound_digest and factor.bound_digest != challenge:
        raise DecisionError("the proof is about something else than this decision")
    if factor.kind is FactorKind.WEBAUTHN:
        return _assertion(factor)
    if factor.kind is FactorKind.MFA:
        return _session(factor, time, since, rules)
    return _token(factor, time, since, rules)


def jwt_factor(claims: Mapping[str, Any], *, challenge: str = "") -> Factor:
    """Return what the claims of a token prove, as an authorizer of API Gateway hands them on.

    An HTTP API's JWT authorizer gives every claim as text, a list as ``[mfa pwd]``; other authorizers give JSON. What
    has another form counts as not said.

    Args:
        claims: of a token whose signature, issuer, audience and expiry the authorizer verified.
        challenge: of the decision; where the token's ``nonce`` is it, the proof is bound to the decision.

    Raises:
        DecisionError: the token has no issuer.
    """
    issuer, nonce, methods = claims.get("iss"), claims.get("nonce"), claims.get("amr", ())
    if not isinstance(issuer, str):
        raise DecisionError("the token names no issuer")
    if isinstance(methods, str):
        methods = methods.strip("[]").replace(",", " ").replace('"', " ").split()
    listed = methods if isinstance(methods, (list, tuple)) else ()
    amr = tuple(dict.fromkeys(one for one in listed if isinstance(one, str)))
    when = str(claims.get("auth_time", ""))
    # API Gateway has been seen to write numbers of claims as floats.
    seconds = int(float(when)) if _SECONDS.fullmatch(when) else None
    bound = challenge if challenge and nonce == challenge else ""
    return Factor(FactorKind.JWT, issuer, seconds if seconds is None or seconds <= LAST else None, amr, None, bound)


def _assertion(factor: Factor) -> bool:
    """Check an assertion: it is as fresh as the token that its challenge covers, and that has an age of its own."""
    if not factor.bound_digest:
        raise DecisionError("the assertion is not bound to this decision")
    if not factor.user_verified:
        raise DecisionError("the authenticator did not verify its user, allowed: with a finger, a face or a PIN")
    return True


def _session(factor: Factor, time: int, since: int, rules: Freshness) -> bool:
    if factor.mfa_age is None:
        raise DecisionError("the session shows no second factor: it has no aws:MultiFactorAuthAge")
    if factor.mfa_age < 0:
        raise DecisionError(f"the second factor is {factor.mfa_age} seconds old, allowed are 0 to {rules.max_age}")
    _check_age("the second factor", time - factor.mfa_age, time, since, rules)
    return True


def _token(factor: Factor, time: int, since: int, rules: Freshness) -> bool:
    if factor.auth_time is None:
        raise DecisionError(f"{factor.issuer!r} does not say when the person signed in: it has no auth_time")
    if not factor.amr:
        raise DecisionError(f"{factor.issuer!r} does not say how the person signed in: it has no amr")
    methods = {method.lower() for method in factor.amr}
    strong = methods.intersection(rules.amr)
    if not strong:
        raise DecisionError(f"the sign-in was by {', '.join(factor.amr)}, allowed is one of {', '.join(rules.amr)}")
    _check_age("the sign-in", factor.auth_time, time, since, rules)
    return "mfa" in methods or bool(methods & _KNOWLEDGE)


def _check_age(what: str, proved: int, time: int, since: int, rules: Freshness) -> None:
    if proved > time + rules.skew:
        raise DecisionError(f"{what} is from {written(min(proved, LAST))}, which is not yet at {written(time)}")
    if time - proved > rules.max_age:
        raise DecisionError(f"{what} is {time - proved} seconds old, allowed are {rules.max_age}")
    if proved < since - rules.skew:
        raise DecisionError(f"{what} is older than the request, allowed: one for this decision")
