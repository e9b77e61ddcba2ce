from __future__ import annotations

import re
from itertools import chain, repeat

from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.results.envelope import enveloped, random_nonce

NONCE = "0123456789abcdef" * 2
MARKS = ("<", "/", " ", "untrusted-", NONCE, ">", "\n", "</", "\uff1c", "\u2039", "\\", "UNTRUSTED-", "x", "\u200b")
ATTACKS = st.one_of(
    st.text(),
    st.lists(st.sampled_from(MARKS)).map("".join),
)


def tags(text: str) -> list[str]:
    return re.findall(r"<\s*/?\s*untrusted-\w*", text, re.IGNORECASE)


@given(ATTACKS)
def test_no_text_closes_it(text: str) -> None:
    # Even one that knew the first number that is drawn.
    numbers = chain([NONCE], repeat("f" * 32))
    found = enveloped(text, "server", "tool", nonce=lambda: next(numbers))
    number = NONCE if NONCE not in text else "f" * 32
    if "f" * 32 in text:
        return
    assert found.count(f"</untrusted-{number}>") == 1
    assert found.endswith(f"\n</untrusted-{number}>")
    assert len(tags(found)) == 2
    assert found.count(number) == 2


@given(st.text(), st.text())
def test_no_name_closes_it(server: str, tool: str) -> None:
    found = enveloped("text", server, tool)
    assert len(tags(found)) == 2
    assert len(found.splitlines()) == 3


def test_text_without_tags_is_as_it_was() -> None:
    text = "a < b, <b>bold</b> and untrusted-ish\nlines"
    assert enveloped(text, "s", "t").split("\n", 1)[1].rsplit("\n", 1)[0] == text


def test_numbers_differ() -> None:
    assert len({random_nonce() for _ in range(100)}) == 100
    assert re.fullmatch(r"[0-9a-f]{32}", random_nonce())
