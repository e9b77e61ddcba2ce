"""What the command line of the gateway was given, and what it makes of that: a session, a guard, credentials."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.gateway.checks import Chosen
    from sudo_mcp_guardrails.gateway.call import Session
    from sudo_mcp_guardrails.gateway.guard import Guard
    from sudo_mcp_guardrails.gateway.pins.lock import Lock
    from sudo_mcp_guardrails.gateway.pump.relay import Signer
    from sudo_mcp_guardrails.gateway.tokens.verify import Tokens

HOST_KEY: Final = "MCP_GUARDRAILS_HOST_KEY"
"""Variable with the key, in hexadecimal, that hosts sign what they hand over with."""

_MOST_INTENT: Final = 65_536
_LEAST_KEY: Final = 32


@dataclass(frozen=True)
class Given:
    """The options of ``mcp-guardrails gateway``, under their names; see its help."""

    server: str
    agent: str
    capability: str
    run: str
    intent_file: Path | None
    sop: str
    checks: tuple[str, ...]
    no_checks: bool
    clients: Path | None
    hosts: tuple[str, ...]
    trust_trace: bool
    headers: tuple[str, ...]
    sign: str
    call_seconds: float
    approval_seconds: float
    issuer: str = ""
    jwks: str = ""
    audience: str = ""
    scope: str = ""
    config: Path | None = None
    lock: Path | None = None
    records: Path | None = None
    records_key: Path | None = None
    sandbox: bool | None = None
    reachable: tuple[str, ...] = ()

    def session(self) -> Session:
        """Return the session that all work begins from.

        Raises:
            InputError: The capability is not one, or the file of the intent cannot be read.
        """
        from sudo_mcp_guardrails.gateway.call import Session

        allowed = [each.value for each in Capability]
        if self.capability not in allowed:
            raise InputError(f"capability {self.capability!r} is not allowed, expected {' or '.join(allowed)}")
        intent = None if self.intent_file is None else read_text(self.intent_file, _MOST_INTENT)
        return Session(secrets.token_hex(16), self.agent, self.capability, self.run, "", intent, self.sop)

    def guard(self) -> tuple[Guard, Lock | None]:
        """Return the guard, with every check that was asked for, and what is pinned.

        Raises:
            InputError: There is none, or one cannot be made.
        """
        from sudo_mcp_guardrails.gateway.guard import Guard

        given = any((self.checks, self.config, self.lock))
        if self.no_checks and given:
            raise InputError("--no-checks with --check, --config or --lock is not allowed, expected one of them")
        if not self.no_checks and not given:
            wanted = "--config, --lock, --check, or --no-checks to measure it"
            raise InputError(f"a gateway without a check is not allowed, expected {wanted}")
        chosen = self._chosen()
        made = [*(chosen.checks if chosen else ()), *(_made(each) for each in self.checks)]
        digests = [chosen.digest if chosen else "", *self.checks]

        def those(method: str) -> tuple[Any, ...]:
            return tuple(each for each in made if callable(getattr(each, method, None)))

        guard = Guard(
            checks=those("before"),
            lists=those("listed"),
            offers=those("offered"),
            introductions=those("introduced"),
            observers=those("decided"),
            policy_digest=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        )
        return guard, chosen.lock if chosen else None

    def _chosen(self) -> Chosen | None:
        """Return the checks of the lock file and the configuration; None without either."""
        if self.config is None and self.lock is None:
            if self.records is not None:
                raise InputError("--records without --config or --lock is not allowed")
            return None
        from sudo_mcp_guardrails.cli.gateway.checks import checks_of

        found = checks_of(self.lock, self.config, reported, records=self.records, records_key=self.records_key)
        if found.decision is None:
            return found
        settings = found.decision.settings
        if (self.agent, self.capability) != (settings.agent, settings.capability.value):
            raise InputError(
                f"--agent {self.agent!r} --capability {self.capability!r} are not those of {str(self.config)!r}, "
                f"expected {settings.agent!r} and {settings.capability.value!r}"
            )
        found.decision.watch()
        return found

    def principals(self) -> dict[str, str]:
        """Return the principals of HTTP clients by the SHA-256 of their tokens.

        Raises:
            InputError: The file is not a JSON object of text.
        """
        if self.clients is None:
            return {}
        try:
            found = json.loads(read_text(self.clients, _MOST_INTENT))
        except ValueError as error:
            raise InputError(f"clients file {str(self.clients)!r} is not JSON: {error}") from error
        if not isinstance(found, dict) or not found or not all(isinstance(each, str) for each in found.values()):
            raise InputError(
                f"clients file {str(self.clients)!r} is not allowed, expected an object of text by digests"
            )
        return found

    def tokens(self) -> Tokens | None:
        """Return the access tokens that HTTP clients must have; None where they are known otherwise.

        Raises:
            InputError: One of the options is missing, or stands beside ``--clients``.
            GatewayError: The keys cannot be read.
        """
        needed = {"--issuer": self.issuer, "--jwks": self.jwks, "--audience": self.audience}
        if not any(needed.values()) and not self.scope:
            return None
        missing = [option for option, value in needed.items() if not value]
        if missing or self.clients is not None:
            raise InputError(
                f"access tokens without {' and '.join(missing)} are not allowed, expected all of {', '.join(needed)}"
                if missing
                else "--issuer and --clients together are not allowed, expected one of them"
            )
        from sudo_mcp_guardrails.gateway.tokens.keys import KeySet
        from sudo_mcp_guardrails.gateway.tokens.verify import Tokens

        return Tokens(KeySet(self.jwks), self.issuer, self.audience, self.scope)

    @property
    def metadata(self) -> str:
        """URL of the protected resource's metadata, which belongs to the audience (RFC 9728); empty for none."""
        parts = urlsplit(self.audience)
        if not parts.scheme or not parts.netloc:
            return ""
        return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"

    def host_key(self) -> bytes | None:
        """Return the key that hosts sign with, from the environment; None where there is none.

        Raises:
            InputError: It is not 32 bytes or more in hexadecimal.
        """
        text = os.environ.get(HOST_KEY)
        if not text:
            return None
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) < _LEAST_KEY:
            raise InputError(f"{HOST_KEY} is not allowed, expected {_LEAST_KEY} bytes or more in hexadecimal")
        return key

    def own_headers(self, url: str) -> dict[str, str]:
        """Return the guard's own headers to a server.

        Raises:
            InputError: One is not ``NAME=VARIABLE``, is not set, or would travel unencrypted.
        """
        found = {}
        for each in self.headers:
            name, _, variable = each.partition("=")
            value = os.environ.get(variable)
            if not name or not value or not value.isprintable():
                raise InputError(f"header {each!r} is not allowed, expected NAME=VARIABLE with a variable that is set")
            found[name.lower()] = value
        if (
            found
            and urlsplit(url).scheme != "https"
            and urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}
        ):
            raise InputError(f"URL {url!r} is not allowed with --header, expected https")
        return found

    def signer(self) -> Signer | None:
        """Return what signs requests to the server.

        Raises:
            InputError: It is not ``SERVICE/REGION``, or there are no credentials.
        """
        if not self.sign:
            return None
        service, _, region = self.sign.partition("/")
        if not service or not region:
            raise InputError(f"--sign {self.sign!r} is not allowed, expected SERVICE/REGION")
        from sudo_mcp_guardrails.cli.gateway.signing import Sigv4

        return Sigv4(service, region)


def read_text(path: Path, limit: int) -> str:
    """Return a small file's text.

    Raises:
        InputError: It cannot be read, or has more than ``limit`` bytes.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeError) as error:
        raise InputError(f"file {str(path)!r} cannot be read: {error}") from error
    if len(raw) > limit:
        raise InputError(f"file {str(path)!r} has {len(raw)} bytes, expected at most {limit}")
    return text


def reported(text: str) -> None:
    """Say something to the person who starts the gateway."""
    sys.stderr.write(f"{text}\n")


def _made(name: str) -> object:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"--check {name!r} is not allowed, expected MODULE:NAME: {error}") from error
    if not callable(getattr(found, "before", None)) or isinstance(found, type):
        found = found()
    if not callable(getattr(found, "before", None)) and not callable(getattr(found, "listed", None)):
        raise InputError(f"--check {name!r} makes {type(found).__name__!r}, expected what has 'before' or 'listed'")
    return found
