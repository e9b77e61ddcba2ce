"""Approvals that the client carries: sealed, bound to one call, and good for once.

The protocol of 2026-07-28 has no session on the server's side: what is asked goes to the client as ``requestState``,
and comes back with the answer. AES-256-GCM seals it with a key of this process, so that nobody can make one, change
one, or use one of another guard; what it is bound to is compared whole, and each is taken once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_PARAMS, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.call import Session, ToolCall

PREFIX: Final = "mcpg1."
_PURPOSE: Final = b"sudo-mcp-guardrails: state of a request, version 1"
_NONCE: Final = 12
_KEY: Final = 32


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sealed state is good for: compared whole.

    Attributes:
        session: Its id.
        principal: Who the client showed to be.
        server: Name of the server.
        tool: Name of the tool.
        arguments: Digest of what the client sent.
        definition: Digest of the tool's definition.
        policy: Digest of the rules.
    """

    session: str
    principal: str
    server: str
    tool: str
    arguments: str
    definition: str
    policy: str

    @classmethod
    def of(cls, session: Session, call: ToolCall, policy: str) -> Binding:
        """Return what an approval of this call would be good for."""
        return cls(
            session.id,
            session.principal,
            call.server,
            call.tool,
            digest(call.arguments),
            digest(call.definition),
            policy,
        )


@dataclass(frozen=True, slots=True)
class State:
    """What was sealed.

    Attributes:
        kind: ``ask``: a person is asked; ``go-on``: he approved, and the server asks for more.
        inner: The server's own ``requestState``, which goes back to it; None where it gave none.
        responses: The client's answers to the server that came with a call which is asked about.
    """

    kind: str
    inner: str | None = None
    responses: dict[str, Any] | None = None


class Sealer:
    """Seals states and opens each once.

    Args:
        seconds: That a state is good for.
        kept: States that are remembered as used. When so many were used within ``seconds``, none is opened.
        key: 32 bytes; a random one of this process when left out.
        clock: Seconds since the epoch.

    Raises:
        GatewayError: The package ``cryptography`` is missing, or the key has another length.
    """

    def __init__(
        self, seconds: float, *, kept: int = 100_000, key: bytes | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - of the extra `gateway`
        except ImportError as error:
            raise GatewayError(
                "package 'cryptography' is missing, expected pip install 'sudo-mcp-guardrails[gateway]'"
            ) from error
        key = os.urandom(_KEY) if key is None else key
        if len(key) != _KEY:
            raise GatewayError(f"a key of {len(key)} bytes is not allowed, expected {_KEY}")
        self._cipher = AESGCM(key)
        self._seconds = seconds
        self._kept = kept
        self._clock = clock
        self._used: dict[bytes, float] = {}

    def seal(self, binding: Binding, state: State) -> str:
        """Return ``state`` as text that only :meth:`open` understands."""
        body = {"binding": asdict(binding), "state": asdict(state), "until": self._clock() + self._seconds}
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, json.dumps(body, separators=(",", ":")).encode(), _PURPOSE)
        return PREFIX + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, text: str, binding: Binding) -> State:
        """Return what was sealed, once.

        Raises:
            RefusedError: It is not ours, for another call, too old, or used.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

        try:
            raw = base64.b64decode(text[len(PREFIX) :].encode(), altchars=b"-_", validate=True)
            body = json.loads(self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _PURPOSE))
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise RefusedError(INVALID_PARAMS, "the 'requestState' is not one of this guard") from error
        now = self._clock()
        if body["until"] < now:
            raise RefusedError(INVALID_PARAMS, "the 'requestState' is too old: call the tool again without it")
        if body["binding"] != asdict(binding):
            raise RefusedError(INVALID_PARAMS, "the 'requestState' is for another call, client, definition or policy")
        self._use(raw[:_NONCE], body["until"], now)
        return State(**body["state"])

    def _use(self, nonce: bytes, until: float, now: float) -> None:
        if nonce in self._used:
            raise RefusedError(INVALID_PARAMS, "the 'requestState' was used: an approval is good for one call")
        if len(self._used) >= self._kept:
            self._used = {each: end for each, end in self._used.items() if end >= now}
            if len(self._used) >= self._kept:
                raise RefusedError(INVALID_PARAMS, "too many approvals are open: try again later")
        self._used[nonce] = until


def digest(value: object) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys, in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()
