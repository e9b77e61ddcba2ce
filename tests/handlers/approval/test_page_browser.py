"""The approval page in a real headless Chromium: what people see, and what they can do with it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.toolchain.browser import ensure_axe, find_chromium
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from tests.handlers.approval.page_site import PASSWORD, Site
from tests.handlers.approval.works import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

sync_api = pytest.importorskip("playwright.sync_api", reason="the PyPI package playwright is not installed")
pytest.importorskip("cryptography", reason="the PyPI package cryptography is not installed")
pytestmark = pytest.mark.integration

SECRET = "hunter2-in-the-plan"
ATTACK = "<img src=x onerror=\"document.title='owned'\">"
SCRIPT = "</script><script>document.title='owned'</script>"
HOSTILE: list[dict[str, Any]] = [
    {
        "service": "iam",
        "operation": "AttachRolePolicy",
        "parameters": {"RoleName": ATTACK, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    },
    {
        "service": "secretsmanager",
        "operation": "CreateSecret",
        "parameters": {"Name": SCRIPT, "SecretString": SECRET, "Description": "javascript:alert(1)"},
    },
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        chromium = find_chromium()
    except ToolchainError as error:
        pytest.skip(str(error))
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox does not start as root, which CI is; the pages are our own.
        started = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as made:
        yield made


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    made = context.new_page()
    made.set_default_timeout(20_000)
    made.errors = []
    made.asked = []
    made.on("pageerror", lambda error: made.errors.append(str(error)))
    made.on("request", lambda request: made.asked.append(request.url))
    yield made
    assert not made.errors
    allowed = (site.url, f"{site.provider.issuer}/")
    assert [url for url in made.asked if not url.startswith(allowed)] == []
    context.close()


def sign_in(page: Any, site: Site, who: str) -> None:
    page.fill("[name=username]", who)
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=code]", site.accounts[who].code())
    page.click("button")


def arrive(page: Any, site: Site, who: str, url: str) -> None:
    """Follow a link, and sign in."""
    page.goto(url)
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, site, who)


def click(page: Any, verdict: str, comment: str) -> None:
    page.get_by_role("button", name=f"{verdict}…").click()
    page.get_by_label("Comment").fill(comment)
    page.locator("dialog").get_by_role("button", name=verdict).click()


def serious(page: Any) -> list[Any]:
    page.evaluate(ensure_axe().read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document)")
    assert found["passes"], "axe looked at nothing"
    return [
        (one["id"], one["nodes"][0]["html"]) for one in found["violations"] if one["impact"] in {"serious", "critical"}
    ]


def test_somebody_signs_in_reads_and_approves(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    site.api.wait(approval)
    arrive(page, site, "alice", site.link(approval))
    page.get_by_role("heading", name="What changes").wait_for()
    assert page.get_by_role("cell", name="release-bot-jobs").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "H1"
    click(page, "Approve", "looks right")
    page.wait_for_url(f"{site.provider.issuer}/**")  # to sign in anew, for just this decision
    sign_in(page, site, "alice")
    page.get_by_text("Your approval is recorded.").first.wait_for()
    assert page.get_by_text("approved", exact=True).is_visible()
    (decision,) = site.works.case(approval).of_kind("decision")
    assert decision.body["statement"]["comment"] == "looks right"
    # The sign-in was for this decision and no other: its nonce was the challenge.
    assert decision.body["factor"]["boundDigest"]
    assert site.works.recheck(approval, site.api.waits.ended[0])["next"] == "apply"


def test_somebody_refuses(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    arrive(page, site, "alice", site.link(approval))
    click(page, "Refuse", "not today")
    page.wait_for_url(f"{site.provider.issuer}/**")
    sign_in(page, site, "alice")
    page.get_by_text("Your refusal is recorded.").first.wait_for()
    assert site.works.recheck(approval)["state"] == "refused"


def test_an_expired_link_says_so(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    site.shift = 5 * 3600
    arrive(page, site, "alice", site.link(approval))
    page.get_by_text("This link has expired.").first.wait_for()
    assert page.get_by_role("button", name="Approve…").count() == 0
    assert page.title().startswith("Expired")


def test_a_plan_cannot_run_anything_in_the_page(page: Any, site: Site) -> None:
    approval = site.works.submitted(data=HOSTILE)
    arrive(page, site, "alice", site.link(approval))
    page.get_by_role("heading", name="What changes").wait_for()
    assert page.get_by_text(ATTACK, exact=True).first.is_visible()
    assert page.get_by_text(SCRIPT, exact=True).first.is_visible()
    assert page.locator("main img, main script, main iframe").count() == 0
    assert "owned" not in page.title()
    assert SECRET not in page.content()
    assert page.get_by_text("(hidden)").first.is_visible()


def test_the_page_has_no_serious_fault_of_accessibility(page: Any, site: Site) -> None:
    approval = site.works.submitted(data=HOSTILE)
    page.goto(site.link(approval))
    page.get_by_role("heading", name="Sign in").wait_for()
    assert serious(page) == []
    arrive(page, site, "alice", site.link(approval))
    page.get_by_role("heading", name="What changes").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Approve…").click()
    page.locator("dialog").wait_for()
    assert serious(page) == []
    page.keyboard.press("Escape")
    for name, heading in (("To decide", "To decide"), ("Your keys", "Your keys")):
        page.get_by_role("link", name=name).click()
        page.get_by_role("heading", name=heading, exact=True).wait_for()
        assert serious(page) == []


def test_all_is_done_by_keyboard(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    arrive(page, site, "alice", site.link(approval))
    page.get_by_role("heading", name="What changes").wait_for()
    page.keyboard.press("Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.textContent") == "Approve…":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("dialog").wait_for()
    assert page.evaluate("document.activeElement.id") == "comment"
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.provider.issuer}/**")


def test_a_key_is_enrolled_and_proves_a_decision(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    arrive(page, site, "alice", f"{site.url}#/keys")
    page.get_by_label("Name of the key").fill("my key")
    page.get_by_role("button", name="Enrol a key").click()
    page.get_by_text("my key").wait_for()
    page.get_by_role("link", name="To decide").click()
    page.get_by_role("link", name="OPS-1").click()
    click(page, "Approve", "by key")
    page.get_by_text("Your approval is recorded.").first.wait_for()
    (decision,) = site.works.case(approval).of_kind("decision")
    assert (decision.body["factor"]["kind"], decision.body["factor"]["userVerified"]) == ("webauthn", True)
    (key,) = site.api.place.credentials.of("alice")
    assert key.counter > 0
    records = [chain for chain, _ in site.works.dynamodb.tables["evidence"] if chain.startswith("credentials/")]
    assert len(records) == 1


def test_a_sign_in_leads_back_to_an_address_without_a_slash(browser: Any, tmp_path: Path) -> None:
    with Site(tmp_path, slash=False) as site:
        address = site.url.rstrip("/")
        assert site.provider.clients["approvals"].redirect_uris == (address,)
        page = browser.new_page()
        page.set_default_timeout(20_000)
        arrive(page, site, "alice", f"{address}#/approvals/{site.works.submitted()}")
        click(page, "Approve", "looks right")
        page.wait_for_url(f"{site.provider.issuer}/**")
        sign_in(page, site, "alice")
        page.get_by_text("Your approval is recorded.").first.wait_for()
        page.context.close()


def test_delegations_are_listed_and_ended(page: Any, site: Site) -> None:
    lent = lend(site, "alice", "erin", groups=["sre"])
    borrowed = lend(site, "bob", "alice")
    arrive(page, site, "alice", f"{site.url}#/delegations")
    page.get_by_role("region", name="Delegations to").wait_for()
    assert page.get_by_role("row").count() == 4
    assert page.get_by_role("rowheader", name=lent["delegate"]).is_visible()
    assert page.get_by_role("rowheader", name=borrowed["delegator"]).is_visible()
    assert (page.get_by_text("sre").count(), page.get_by_text("all groups").count()) == (1, 1)
    assert serious(page) == []
    page.get_by_role("button", name="End the delegation to").click()
    page.get_by_text("Nothing.").wait_for()
    assert page.get_by_role("row").count() == 2
    assert site.api.get("alice", "/api/delegations/lent", iss=site.provider.issuer)[1]["delegations"] == []


def lend(site: Site, who: str, to: str, **changes: Any) -> dict[str, Any]:
    """Lend by the API, as a terminal does."""
    site.works.time = time.time()
    issuer = site.provider.issuer
    claims: dict[str, Any] = {
        "authorizer": {"jwt": {"claims": site.api.claims(who, iss=issuer)}},
        "origin": site.url.rstrip("/"),
    }
    ends = written(int(time.time()) + 86_400)
    body = {"delegate": f"{issuer}#{to}", "ends": ends, "reason": ATTACK, **changes}
    status, asked = site.api.ask(site.api.event("POST", "/api/delegations/challenge", body, **claims))
    assert status == 200, asked
    status, made = site.api.ask(
        site.api.event("POST", "/api/delegations", {**body, "issued": asked["issued"]}, **claims)
    )
    assert status == 200, made
    return dict(made["delegation"])


def test_the_requester_is_told_that_others_decide(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    arrive(page, site, "rita", site.link(approval))
    page.get_by_text("others decide").wait_for()
    assert page.get_by_role("button", name="Approve…").count() == 0
    page.get_by_role("button", name="Withdraw…").click()
    page.locator("dialog").get_by_role("button", name="Withdraw").click()
    page.get_by_text("withdrawn", exact=True).wait_for()


def test_who_left_the_group_is_told_why_it_does_not_count(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    arrive(page, site, "alice", site.link(approval))
    click(page, "Approve", "late")
    page.wait_for_url(f"{site.provider.issuer}/**")
    site.api.groups.of["alice"] = ("managers",)
    sign_in(page, site, "alice")
    page.get_by_text("Your decision does not count.").first.wait_for()
    assert site.works.recheck(approval)["state"] == "pending"


def test_a_plan_of_ten_thousand_calls_is_usable(page: Any, site: Site) -> None:
    calls = [{**CALLS[0], "parameters": {"QueueName": f"release-bot-{number}"}} for number in range(10_000)]
    approval = site.works.submitted(data=calls)
    arrive(page, site, "alice", site.link(approval))
    page.get_by_text("1 to 50 of 10000").wait_for(timeout=60_000)
    page.get_by_role("button", name="Next").click()
    page.get_by_text("51 to 100 of 10000", exact=True).wait_for()
    page.get_by_label("Find").fill("9999")
    page.get_by_text("1 to 1 of 1", exact=True).wait_for()
    assert page.locator("article").count() == 1


def test_the_sessions_that_carry_it_out_are_shown_with_their_policies(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    arrive(page, site, "alice", site.link(approval))
    card = page.get_by_role("region", name="Sessions that carry it out")
    card.get_by_text("1 part, which is all.").wait_for()
    assert card.get_by_text("mcp-guardrails-release-bot-apply").is_visible()
    policy = card.locator("pre")
    assert policy.is_visible()  # the only part is open
    assert json.loads(policy.inner_text())["Statement"][0]["Action"] == "sqs:CreateQueue"
    assert serious(page) == []
    page.goto(site.link(site.works.submitted(data=HOSTILE)))
    card.get_by_text("It cannot be carried out as it is:").wait_for()
    assert page.locator("main img, main script").count() == 0
    assert "owned" not in page.title()


def test_many_sessions_are_read_by_keyboard(page: Any, site: Site) -> None:
    calls = [{**CALLS[0], "parameters": {"QueueName": f"release-bot-{number}"}} for number in range(400)]
    approval = site.works.submitted(data=calls)
    arrive(page, site, "alice", site.link(approval))
    card = page.get_by_role("region", name="Sessions that carry it out")
    card.get_by_text("Parts 1 to 10; there are more.").wait_for()
    assert serious(page) == []
    assert not card.locator("pre").first.is_visible()
    card.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert card.locator("pre").first.is_visible()
    card.get_by_role("button", name="Show more parts").focus()
    page.keyboard.press("Enter")
    card.get_by_text("parts, which is all.").wait_for()
    assert page.evaluate("document.activeElement.textContent").startswith("Part ")
    page.locator("#live", has_text="parts, which is all.").wait_for()


def test_no_token_is_kept_where_a_script_could_find_it_later(page: Any, site: Site) -> None:
    approval = site.works.submitted()
    arrive(page, site, "alice", site.link(approval))
    page.get_by_role("heading", name="What changes").wait_for()
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert json.loads(kept) == [{}, {}, ""]
    assert "code=" not in page.url
