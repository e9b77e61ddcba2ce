"""Checks for guards that run as processes: ``--check tests.gateway.pump.checks:asks``."""

from __future__ import annotations

from tests.gateway.pump.making import ASK, DENY, Check

nothing = Check()


def asks() -> Check:
    return Check(says={"count": ASK})


def denies() -> Check:
    return Check(says={"count": DENY})
