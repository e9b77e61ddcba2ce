"""The HTML timeline: what it says, that it can be read, and that nothing in an event gets into its markup."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail.trace.lines import trace_lines
from sudo_mcp_guardrails.trail.trace.render import html_page
from sudo_mcp_guardrails.trail.trace.text import MAX_SHOWN, shown
from tests.trail.made import event, minting, session, tool_call
from tests.trail.trace.traced import oauth_session, traced

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202egnp.exe\u2028\ud800&amp;"
_VOID = frozenset({"meta"})


class Page(HTMLParser):
    """Reads a page, and finds tags that do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def evil_events() -> list[dict[str, Any]]:
    """Events in which every value that a caller could choose is an attack."""
    identity = session()
    identity["arn"] = EVIL
    identity["sessionContext"]["sessionIssuer"]["arn"] += EVIL
    params = {"method": EVIL, "params": {"name": EVIL}}
    common = {"userAgent": EVIL, "sourceIPAddress": EVIL, "awsRegion": EVIL, "recipientAccountId": EVIL}
    return [
        minting(agent=EVIL, ticket=EVIL, approval=EVIL, caller=EVIL, **{"plan-digest": EVIL}),
        event(
            "x", userIdentity=identity, eventName=EVIL, eventSource=EVIL, errorCode=EVIL, errorMessage=EVIL, **common
        ),
        event(EVIL, userIdentity=identity, requestID=EVIL, resources=[{"ARN": EVIL}], **common),
        tool_call("call", EVIL, userIdentity=identity, mcpEventDetails={"sessionId": EVIL}, **common)
        | {"requestParameters": params},
        tool_call(
            "listed",
            additionalEventData={"downstreamRequests": [{"apiName": EVIL, "requestId": "no", "awsRegion": EVIL}]},
        ),
    ]


def test_the_page_nests_and_says_what_the_tree_does() -> None:
    page = Page(html_page(traced("call", *oauth_session())))
    assert page.open == []
    for word in ("PutBucketPolicy", "StopLogging", "CreateOAuth2Token", "approval not known", "asked for", "+52 s"):
        assert word in page.text
    rows = [tag for tag, _ in page.tags].count("tr")
    assert rows == 1 + 6  # the head, and each event once


def test_nothing_of_an_event_becomes_markup() -> None:
    made = traced("x", *evil_events())
    html = html_page(made)
    page = Page(html)
    assert page.open == []
    plain = Page(html_page(traced("call", *oauth_session())))
    allowed = {tag for tag, _ in plain.tags} | {"p", "strong"}
    assert {tag for tag, _ in page.tags} <= allowed
    assert not any(name.startswith("on") or name == "src" for _, found in page.tags for name in found)
    assert "<script>alert(1)" in page.text  # it is there, as text
    assert not set("\x1b\u202e\u2028\ud800") & set(html)
    html.encode()  # half a surrogate pair would fail here


def test_nothing_of_an_event_reaches_a_terminal_raw() -> None:
    text = "\n".join(line.text for line in trace_lines(traced("x", *evil_events())))
    assert not set("\x1b\u202e\u2028\ud800\r") & set(text)
    assert "\\u001b[31m\\u202egnp.exe" in text


def test_the_page_refers_to_nothing_outside() -> None:
    html = html_page(traced("call", *oauth_session()))
    page = Page(html)
    links = [found.get("href") for tag, found in page.tags if tag == "a"]
    ids = {found.get("id") for _, found in page.tags if found.get("id")}
    assert links
    assert all(link and link.startswith("#") and link[1:] in ids for link in links)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    (policy,) = [found["content"] for tag, found in page.tags if tag == "meta" and "http-equiv" in found]
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")
    assert "url(" not in html
    assert "@import" not in html


def test_the_page_is_labelled() -> None:
    html = html_page(traced("call", *oauth_session()))
    page = Page(html)
    assert ("html", {"lang": "en"}) in page.tags
    assert {"header", "main", "footer", "h1", "h2", "table", "caption", "thead", "time", "ol", "dl"} <= {
        tag for tag, _ in page.tags
    }
    assert all(found.get("scope") == "col" for tag, found in page.tags if tag == "th")
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len(ids) == len(set(ids))
    assert all(found["aria-labelledby"] in ids for tag, found in page.tags if tag == "section")
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_the_same_trace_gives_the_same_page() -> None:
    first, second = (html_page(traced("call", *oauth_session())) for _ in range(2))
    assert first == second


def test_a_trace_that_is_not_complete_says_so() -> None:
    made = traced("e0", *[event(f"e{number}", userIdentity=session()) for number in range(5)], limit=3)
    assert "Not complete" in html_page(made)
    assert "not complete" in list(trace_lines(made))[-1].text


def test_events_without_a_time_are_shown() -> None:
    made = traced("e", event("e", eventTime="yesterday", userIdentity=session()), event("f", userIdentity=session()))
    page = Page(html_page(made))
    assert "not known" in page.text
    assert page.open == []


def _luminance(colour: str) -> float:
    colour = colour.lstrip("#")
    full = colour if len(colour) == 6 else "".join(2 * each for each in colour)
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_can_be_read_by_everyone() -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 between text and what is behind it, in all three schemes."""
    html = html_page(traced("call", *oauth_session()))
    schemes: list[dict[str, str]] = []
    for found in re.findall(r":root \{([^}]*)\}", html):
        schemes.append({**(schemes[0] if schemes else {}), **dict(re.findall(r"--([a-z]+): (#[0-9a-f]+)", found))})
    assert len(schemes) == 3
    for colours in schemes:
        for ink in ("ink", "dim", "accent", "bad", "warn"):
            for paper in ("paper", "soft"):
                light, dark = sorted((_luminance(colours[ink]), _luminance(colours[paper])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper, colours)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 漢字 🙂", "plain é 漢字 🙂"),
        ("a\nb\tc", "a\\u000ab\\u0009c"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_long_values_are_cut() -> None:
    assert shown("x" * 10_000) == "x" * (MAX_SHOWN - 1) + "…"


@pytest.mark.integration
def test_a_browser_shows_it_and_runs_nothing(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium is installed")
    path = tmp_path / "trace.html"
    path.write_text(html_page(traced("x", *evil_events())), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        pytest.skip(f"chromium does not run here: {done.stderr[-200:]}")
    assert "<h1>Trace of" in done.stdout
    assert "<script" not in done.stdout
    assert "<img" not in done.stdout
