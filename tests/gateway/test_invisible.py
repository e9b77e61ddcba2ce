from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.invisible import invisible, shown, visible

# Format characters with a shape: Arabic and Kaithi number signs, Syriac abbreviation mark, Egyptian joiners.
SHAPED = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}


def test_covers_every_format_and_control_character() -> None:
    missed = [
        f"{code:04X}"
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp", "Cs"} and visible(f"a{chr(code)}b") != "ab"
    ]
    assert missed == [f"{code:04X}" for code in sorted({9, 10, 13} | SHAPED) if unicodedata.category(chr(code)) != "Cn"]


@pytest.mark.parametrize("text", ["❤️", "👩‍💻", "1️⃣", "🏳️‍🌈", "naïve", "日本語", "שלום", "a\tb\nc\r\n", "e\u0301"])
def test_leaves_what_is_seen(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\U000e0069\U000e0067b", "ab"),
        ("a\u202eb", "ab"),
        ("a\ufe0fb", "ab"),
        ("❤\ufe0f\ufe0fx", "❤\ufe0fx"),
        ("a\u200db", "ab"),
        ("👩\u200dx", "👩x"),
        ("\x1b[31mred", "[31mred"),
    ],
)
def test_removes_what_is_not(text: str, left: str) -> None:
    assert visible(text) == left


@given(st.text())
def test_nothing_is_left_after_it(text: str) -> None:
    found = visible(visible(visible(text)))
    assert "\u200b" not in found
    assert len(shown(text)) >= len(text) - len(list(invisible(text)))
    assert visible(text) == "".join(visible(text))
    if text.isascii() and text.isprintable():
        assert visible(text) == text == shown(text)


def test_shown() -> None:
    assert shown("a\u200bb\U000e0041") == "a<U+200B>b<U+E0041>"
