"""The approval page's API as a person's browser uses it, without a browser: sign in, look, decide."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sudo_mcp_guardrails.local.approvals.people import AUDIENCE
from sudo_mcp_guardrails.local.oidc.flow import sign_in

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.oidc.people import Person
    from sudo_mcp_guardrails.local.oidc.provider import OidcProvider

_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What the API answered.

    Attributes:
        status: of HTTP.
        body: its JSON.
    """

    status: int
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """Status and reason, in one line."""
        return f"{self.status}: {self.body.get('error') or self.body.get('message') or 'taken'}"


@dataclass(frozen=True)
class Begun:
    """A decision that is stated, and not proved yet.

    Attributes:
        person: who decides.
        approval: its id.
        stated: the body of the decision.
        challenge: what the proof is to be bound to.
    """

    person: Person
    approval: str
    stated: dict[str, Any]
    challenge: str


@dataclass(frozen=True)
class Page:
    """The page of one workflow.

    Args:
        endpoint_url: of the embedded AWS, which serves the API by its name.
        url: of the page.
        provider: where people sign in; must know the client.
    """

    endpoint_url: str
    url: str
    provider: OidcProvider

    @property
    def redirect(self) -> str:
        """Where a sign-in leads back to: the page itself."""
        return f"{self.url.rstrip('/')}/"

    @property
    def redirects(self) -> tuple[str, str]:
        """The page's address with and without a slash at its end: identity providers compare it letter by letter."""
        return self.redirect, self.redirect.rstrip("/")

    def token(self, person: Person, nonce: str = "") -> str:
        """Sign somebody in afresh, by password and one-time code, and return the id token.

        Args:
            person: who signs in.
            nonce: what the sign-in is for; anything when left out.

        Raises:
            OidcError: the provider refused.
        """
        signed = sign_in(self.provider.issuer, AUDIENCE, self.redirect, person, nonce=nonce)
        return str(signed["id_token"])

    def ask(self, token: str, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Send one request below ``/api``, as the page does.

        Args:
            token: of who asks.
            method: ``GET`` or ``POST``.
            path: with ``/api`` at its beginning.
            body: of a ``POST``.
        """
        # Names below localhost are not resolved everywhere; the address is, and the Host header says the name.
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=_SECONDS)
        headers = {"Host": urlsplit(self.url).netloc, "Authorization": f"Bearer {token}"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Origin": self.url.rstrip("/")}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        try:
            found = json.loads(text)
        except ValueError:
            found = {"error": text[:200]}
        return Answer(answer.status, found if isinstance(found, dict) else {"error": str(found)[:200]})

    def look(self, token: str, approval: str) -> Answer:
        """Open an approval: what is asked, where it stands, and a token for one decision."""
        return self.ask(token, "GET", f"/api/approvals/{approval}")

    def begin(self, person: Person, approval: str, verdict: str = "approve", comment: str = "") -> Begun | Answer:
        """Open an approval and ask for what proves a decision; returns the answer that stopped it, where one did.

        Args:
            person: who decides.
            approval: its id.
            verdict: ``approve`` or ``refuse``.
            comment: why.

        Raises:
            OidcError: the provider refused.
        """
        token = self.token(person)
        looked = self.look(token, approval)
        if looked.status != http.client.OK:
            return looked
        stated = {
            "verdict": verdict,
            "comment": comment,
            **{name: looked.body[name] for name in ("token", "approvalDigest", "planDigest")},
        }
        asked = self.ask(token, "POST", f"/api/approvals/{approval}/challenge", stated)
        if asked.status != http.client.OK:
            return asked
        return Begun(person, approval, stated, str(asked.body["challenge"]))

    def finish(self, begun: Begun, proof: str | None = None) -> Answer:
        """Send a decision.

        Args:
            begun: what was begun.
            proof: an id token that is to prove it. Default: of a fresh sign-in that is bound to just this decision.

        Raises:
            OidcError: the provider refused.
        """
        token = proof or self.token(begun.person, begun.challenge)
        return self.ask(token, "POST", f"/api/approvals/{begun.approval}/decision", begun.stated)

    def decide(self, person: Person, approval: str, verdict: str = "approve", comment: str = "") -> Answer:
        """Decide, with a sign-in that is bound to just this decision; arguments as for :meth:`begin`."""
        begun = self.begin(person, approval, verdict, comment)
        return begun if isinstance(begun, Answer) else self.finish(begun)
