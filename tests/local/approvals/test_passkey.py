"""A passkey on the deployed page: enrolled by a one-time code, and then the proof of a decision, in a real Chromium."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.store.credentials import CredentialStore
from sudo_mcp_guardrails.toolchain.browser import find_chromium
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from tests.local.approvals import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local.approvals.site import Site

sync_api = pytest.importorskip("playwright.sync_api", reason="the PyPI package playwright is not installed")
pytestmark = pytest.mark.integration
CODE = "made-up-code-of-an-administrator"
WHO = "kim"


@pytest.fixture
def page(reaching: Site) -> Iterator[Any]:
    """A page whose authenticator verifies its user."""
    try:
        chromium = find_chromium()
    except ToolchainError as error:
        pytest.skip(str(error))
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox does not start as root, which CI is; the pages are our own.
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        made = browser.new_page()
        made.set_default_timeout(30_000)
        asked: list[str] = []
        made.on("request", lambda request: asked.append(request.url))
        devtools = made.context.new_cdp_session(made)
        devtools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        devtools.send(
            "WebAuthn.addVirtualAuthenticator",
            {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
        )
        yield made
        allowed = (f"{reaching.outputs['Page']}/", f"{reaching.provider.issuer}/")
        assert [url for url in asked if not url.startswith(allowed)] == []
        browser.close()


def sign_in(page: Any, site: Site) -> None:
    """Sign in as somebody whose sign-in shows one factor."""
    person = site.provider.people[WHO]
    page.get_by_role("button", name="Sign in").click()
    page.fill("[name=username]", person.username)
    page.fill("[name=password]", person.password)
    page.fill("[name=code]", person.code())
    page.click("button")


def enrol(page: Any, code: str) -> None:
    page.get_by_label("Name of the key").fill("my key")
    page.get_by_label("Code of an administrator").fill(code)
    page.get_by_role("button", name="Enrol a key").click()


def test_a_passkey_is_enrolled_by_a_code_and_proves_a_decision(page: Any, reaching: Site) -> None:
    approval = reaching.agent().calls("by-passkey")
    reaching.waits(approval)
    store = CredentialStore(reaching.client("dynamodb"), reaching.outputs["Credentials"])
    now = int(time.time())
    store.offer_code(WHO, CODE, by="an administrator", created=now, ends=now + 600)
    page.goto(f"{reaching.outputs['Page']}/#/keys")
    sign_in(page, reaching)
    enrol(page, "not the code")
    page.get_by_text("the code is not known, was used, or is over").first.wait_for()
    assert store.of(WHO) == []
    enrol(page, CODE)
    page.get_by_text("my key").wait_for()
    [key] = store.of(WHO)
    assert not store.use_code(WHO, CODE, now)  # it is used up

    page.get_by_role("link", name="To decide").click()
    page.locator(f"a[href*='{approval}']").first.click()
    page.get_by_role("button", name="Approve…").click()
    page.get_by_label("Comment").fill("by passkey")
    page.locator("dialog").get_by_role("button", name="Approve").click()
    page.get_by_text("Your approval is recorded.").first.wait_for()

    assert reaching.ended(approval) == "Executed"
    assert f"{app.AGENT}-by-passkey" in reaching.queues()
    [decision] = [record for record in reaching.chain(approval) if record.kind == "decision"]
    factor = decision.body["factor"]
    assert (factor["kind"], factor["issuer"], factor["userVerified"]) == ("webauthn", app.DOMAIN, True)
    assert factor["credential"] == key.id
    assert len(factor["proof"]) == 3
    assert all(factor["proof"])
    assert decision.body["statement"]["comment"] == "by passkey"


def test_a_sign_in_of_one_factor_approves_nothing_without_a_key(reaching: Site) -> None:
    approval = reaching.agent().calls("by-password")
    reaching.waits(approval)
    status, body = reaching.person(WHO).decide(approval)
    assert status == 403, body
    assert reaching.status(approval) == "RUNNING"
    assert reaching.person("bob").decide(approval, "refuse")[0] == 200
    assert reaching.ended(approval) == "Ended"
