from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.gateway.call import Session
from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.front import Door
from sudo_mcp_guardrails.gateway.pump.limits import Limits
from sudo_mcp_guardrails.gateway.pump.refusals import RefusedError
from sudo_mcp_guardrails.gateway.pump.sessions import Handed, Sessions, handed_over, signed
from tests.gateway.pump.making import Clock, link_of

KEY = b"k" * 32
HANDED = Handed("run-1", "list my buckets", "audit", 1000.0)


def sessions(clock: Clock | None = None, limits: Limits | None = None, **more: Any) -> Sessions:
    template = Session("template", "agent", "plan", sop="default")
    return Sessions(template, limits or Limits(), clock=clock or Clock(), now=Clock(), **more)


def test_without_a_session_in_the_protocol_all_of_a_principal_is_one() -> None:
    found = sessions()
    first = found.keyed("a", None, {"traceparent": "00-1-2-3"})
    assert found.keyed("a", None, {"traceparent": "00-9-2-3"}) is first
    assert found.keyed("b", None, {}) is not first
    assert (first.agent, first.capability, first.principal, first.sop) == ("agent", "plan", "a", "default")
    assert len(first.id) == 32
    first.state["taint"] = True
    assert found.keyed("b", None, {}).state == {}


def test_traces_tell_sessions_apart_only_where_they_are_trusted() -> None:
    found = sessions(trust_trace=True)
    first = found.keyed("a", None, {"traceparent": "00-1-2-3"})
    assert found.keyed("a", None, {"traceparent": "00-1-8-3"}) is first
    assert found.keyed("a", None, {"traceparent": "00-9-2-3"}) is not first


def test_a_host_hands_over_what_the_model_cannot_write() -> None:
    found = sessions(key=KEY)
    session = found.keyed("a", signed(HANDED, KEY), {})
    assert (session.run, session.intent, session.sop) == ("run-1", "list my buckets", "audit")
    assert found.keyed("a", signed(HANDED, KEY), {}) is session
    assert found.keyed("a", None, {}).intent is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x.y",
        signed(HANDED, b"x" * 32),
        signed(HANDED, KEY)[:-1] + "0",
        signed(HANDED, KEY).replace(".", "=."),
        signed(Handed("r", None, "", 0.0), KEY),
        signed(Handed("r", None, "", float("nan")), KEY),
        signed(Handed("r", 5, "", 1000.0), KEY),  # type: ignore[arg-type]
        signed(Handed(None, None, "", 1000.0), KEY),  # type: ignore[arg-type]
    ],
)
def test_what_is_not_signed_whole_or_too_old_is_refused(value: str) -> None:
    with pytest.raises(RefusedError):
        handed_over(value, KEY, 1.0)


def test_without_a_key_nothing_is_taken() -> None:
    with pytest.raises(RefusedError, match="no key"):
        sessions().new("a", signed(HANDED, KEY))
    with pytest.raises(GatewayError, match="expected 32"):
        signed(HANDED, b"short")


def test_an_opened_session_is_its_openers() -> None:
    found = sessions()
    id = found.keep(link_of(), "a", "theirs")
    assert id != "theirs"
    opened = found.find(id, "a")
    assert opened is not None
    assert found.find(id, "b") is None
    assert found.find("theirs", "a") is None
    found.close(opened)
    assert found.find(id, "a") is None


def test_sessions_are_bounded_and_end() -> None:
    clock = Clock()
    found = sessions(clock, Limits(sessions=2, idle_seconds=10))
    found.keyed("a", None, {})
    found.keep(link_of(), "b", None)
    with pytest.raises(RefusedError, match="2 sessions are open"):
        found.keyed("c", None, {})
    clock.now = 11
    found.keyed("c", None, {})
    assert found.opened == {}


HERE = {"host": "127.0.0.1:80"}
TOKEN = {"5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8": "somebody"}


def test_the_door() -> None:
    door = Door(frozenset({"127.0.0.1:80"}))
    assert door.admit(HERE) == ""
    assert door.admit({**HERE, "origin": "http://127.0.0.1:80"}) == ""
    for headers in (
        {},
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {**HERE, "origin": "http://evil.example"},
        {**HERE, "origin": "null"},
    ):
        with pytest.raises(RefusedError):
            door.admit(headers)
    door = Door(frozenset({"127.0.0.1:80"}), TOKEN)
    assert door.admit({**HERE, "authorization": "Bearer password"}) == "somebody"
    for value in ("", "Bearer", "Bearer x", "Basic password", "password"):
        with pytest.raises(RefusedError) as refused:
            door.admit({**HERE, "authorization": value})
        assert refused.value.status == 401
    with pytest.raises(GatewayError, match="without clients"):
        Door(frozenset({"guard.example:80"}))
    with pytest.raises(GatewayError, match="SHA-256"):
        Door(frozenset({"127.0.0.1:80"}), {"password": "somebody"})
