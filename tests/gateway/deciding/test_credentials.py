"""Credentials by capability: the guard's choice, fresh, and shown to nobody."""

from __future__ import annotations

import pytest

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.gateway.deciding.credentials import EARLY, Credentials, Vault
from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError
from tests.gateway.deciding.making import session

KEY = "ASIAEXAMPLEEXAMPLE00"


def made(ends: float = 10_000.0, token: str = "t") -> Credentials:
    """Return credentials."""
    return Credentials(KEY, "s3cr3t", token, ends)


def test_by_capability() -> None:
    """A session gets those of its capability, whatever else it says."""
    vault = Vault({Capability.READ: lambda: made(token="r"), Capability.APPLY: lambda: made(token="a")}, lambda: 0.0)
    assert vault.of(session()).token == "r"
    assert vault.of(session(capability="apply")).token == "a"
    for other in ("plan", "admin", ""):
        with pytest.raises(DecidingError, match="no credentials"):
            vault.of(session(capability=other))


def test_asked_anew_before_they_end() -> None:
    """Once while they last, and again before they end."""
    now, asked = [0.0], []

    def source() -> Credentials:
        asked.append(1)
        return made(now[0] + 1_000)

    vault = Vault({Capability.READ: source}, lambda: now[0])
    vault.of(session())
    now[0] = 999 - EARLY
    vault.of(session())
    assert len(asked) == 1
    now[0] = 1_000 - EARLY
    vault.of(session())
    assert len(asked) == 2


def test_ended_ones_are_refused() -> None:
    """What came too late is no credential."""
    vault = Vault({Capability.READ: lambda: made(5.0)}, lambda: 5.0)
    with pytest.raises(DecidingError, match="ended"):
        vault.of(session())


def test_nothing_is_shown() -> None:
    """Neither a log nor an error has them."""
    assert "s3cr3t" not in repr(made())
    assert KEY not in repr(made())


@pytest.mark.parametrize(("key", "secret", "token"), [("", "s", "t"), (KEY, "", "t"), (KEY, "s", "")])
def test_what_lasts_is_refused(key: str, secret: str, token: str) -> None:
    """A user's key has no session token."""
    with pytest.raises(DecidingError, match="session"):
        Credentials(key, secret, token, 1.0)


def test_environment() -> None:
    """A server gets these and no other of AWS's."""
    found = made().environment("eu-west-1")
    assert found["AWS_SESSION_TOKEN"] == "t"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "AWS_REGION" not in made().environment()
    assert "AWS_PROFILE" not in found
