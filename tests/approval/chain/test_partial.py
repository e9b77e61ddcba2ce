"""A chain of which only the tail is there, for who kept what was verified before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.approval.chain.check import ChainHead, Flaw, head_of, verify
from sudo_mcp_guardrails.approval.errors import EvidenceError
from tests.approval.chains import KEYS, Keys, chain

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.evidence import Record

WHOLE = chain("apr-1", *["note"] * 6)
KNOWN = head_of("apr-1", WHOLE[:3])
TRUSTED = {KEYS.key_id}


def flaws(records: list[Record], known: ChainHead | None = KNOWN) -> list[Flaw]:
    found = verify("apr-1", records, KEYS, TRUSTED, known=known, partial=True)
    return [one.flaw for one in found]


def test_a_tail_is_whole_from_the_known_record_on() -> None:
    assert flaws([*WHOLE[2:]]) == []
    assert flaws([*WHOLE]) == []
    counting = Keys()
    assert verify("apr-1", WHOLE[2:], counting, TRUSTED, known=KNOWN, partial=True) == []
    assert counting.verified == 3  # the known record's own signature is not verified again


def test_a_tail_that_does_not_begin_at_the_known_record_is_none() -> None:
    assert set(flaws([*WHOLE[3:]])) == {Flaw.GAP, Flaw.CUT}
    assert flaws([]) == [Flaw.CUT]
    assert Flaw.GAP in flaws([WHOLE[2], WHOLE[4]])
    other = replace(WHOLE[2], who="bob", digest="")
    assert set(flaws([other, *WHOLE[3:]])) == {Flaw.CHANGED, Flaw.REWRITTEN, Flaw.SIGNATURE}


@pytest.mark.parametrize("known", [None, ChainHead("apr-1", 0, "0" * 64)])
def test_without_a_known_head_nothing_may_be_left_out(known: ChainHead | None) -> None:
    with pytest.raises(EvidenceError, match="no head says what came before"):
        flaws([*WHOLE], known)
