"""The local provider as a page and a person meet it, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sudo_mcp_guardrails.local.oidc import Client, OidcError, OidcProvider, Person, sign_in
from sudo_mcp_guardrails.local.oidc.grants import Kept

if TYPE_CHECKING:
    from collections.abc import Iterator

BACK = "http://approvals.localhost:4566/"
ADA = Person("ada", "correct horse", claims={"email": "ada@example.com"})
BOB = Person("bob", "battery staple", amr=("pwd",), subject="0002")
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "page",
    "redirect_uri": BACK,
    "scope": "openid",
    "state": "st",
    "nonce": "no",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider([ADA, BOB], [Client("page", (BACK,))]) as running:
        yield running


class Browser:
    """Keeps cookies, follows nothing."""

    def __init__(self, provider: OidcProvider) -> None:
        self.host = urlsplit(provider.issuer).netloc
        self.cookies: dict[str, str] = {}

    def fetch(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection(self.host, timeout=10)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        if form is not None:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection.request(method, path, urlencode(form) if form is not None else None, sent)
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        return answer

    def begin(self, **changes: str) -> Any:
        asked = {name: value for name, value in {**ASKED, **changes}.items() if value}
        return self.fetch("GET", f"/authorize?{urlencode(asked)}")

    def fill(self, page: Any, person: Person = ADA, **changes: str) -> Any:
        name = re.search(r'name="request" value="([^"]+)"', page.text)
        assert name is not None, page.text
        form = {"request": name[1], "username": person.username, "password": person.password, "code": person.code()}
        return self.fetch("POST", "/authorize", {**form, **changes})

    def grant(self, answer: Any, **changes: str) -> Any:
        form = {
            "grant_type": "authorization_code",
            "code": back(answer)["code"],
            "redirect_uri": BACK,
            "client_id": "page",
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.fetch("POST", "/token", form)


def back(answer: Any) -> dict[str, str]:
    assert answer.status == 303
    assert answer.headers["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_a_sign_in_proves_who_when_and_how(provider: OidcProvider) -> None:
    before = int(time.time())
    browser = Browser(provider)
    answer = browser.fill(browser.begin())
    assert back(answer)["state"] == "st"
    assert back(answer)["iss"] == provider.issuer
    tokens = json.loads(browser.grant(answer).text)
    found = claims(tokens["id_token"])
    assert (found["iss"], found["sub"], found["aud"], found["nonce"]) == (provider.issuer, "ada", "page", "no")
    assert found["amr"] == ["pwd", "otp", "mfa"]
    assert before <= found["auth_time"] <= found["iat"] <= int(time.time()) < found["exp"]
    assert found["email"] == "ada@example.com"
    assert "nonce" not in claims(tokens["access_token"])
    assert claims(tokens["access_token"])["scope"] == "openid"


def test_the_signature_verifies_with_the_published_key(provider: OidcProvider) -> None:
    cryptography = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    browser = Browser(provider)
    discovered = json.loads(browser.fetch("GET", "/.well-known/openid-configuration").text)
    assert discovered["issuer"] == provider.issuer
    [key] = json.loads(browser.fetch("GET", urlsplit(discovered["jwks_uri"]).path).text)["keys"]
    number = {
        name: int.from_bytes(base64.urlsafe_b64decode(key[name] + "=" * (-len(key[name]) % 4)), "big") for name in "ne"
    }
    header, body, signature = provider.issue(ADA, "page").split(".")
    cryptography.RSAPublicNumbers(number["e"], number["n"]).public_key().verify(
        base64.urlsafe_b64decode(signature + "=="), f"{header}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"username": "eve"}, {"code": "000000"}, {"code": ""}])
def test_what_is_wrong_is_not_said_and_leads_nowhere(provider: OidcProvider, wrong: dict[str, str]) -> None:
    browser = Browser(provider)
    answer = browser.fill(browser.begin(), ADA, **wrong)
    assert answer.status == 401
    assert "User name, password or one-time code is wrong." in answer.text
    assert browser.fill(answer).status == 303


def test_ten_wrong_tries_end_the_sign_in(provider: OidcProvider) -> None:
    browser = Browser(provider)
    page = browser.begin()
    for _ in range(10):
        assert browser.fill(page, password="x").status == 401
    assert browser.fill(page).status == 400


@pytest.mark.parametrize("uri", ["http://evil.example/", BACK + "x", BACK.upper(), "http://approvals.localhost:4566"])
def test_a_foreign_redirect_uri_is_never_redirected_to(provider: OidcProvider, uri: str) -> None:
    answer = Browser(provider).begin(redirect_uri=uri)
    assert answer.status == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_wrong_request_is_told_to_the_client(provider: OidcProvider, changes: dict[str, str], error: str) -> None:
    assert back(Browser(provider).begin(**changes))["error"] == error


def test_a_session_answers_unless_a_fresh_sign_in_is_asked_for(provider: OidcProvider) -> None:
    browser = Browser(provider)
    browser.fill(browser.begin())
    assert "code" in back(browser.begin())
    assert "code" in back(browser.begin(prompt="none"))
    assert "code" in back(browser.begin(max_age="600"))
    for fresh in ({"max_age": "0"}, {"prompt": "login"}):
        assert browser.begin(**fresh).status == 200
    assert back(browser.begin(prompt="none", max_age="0"))["error"] == "login_required"
    assert Browser(provider).begin().status == 200


def test_a_code_counts_once_for_its_own_client_redirect_and_verifier(provider: OidcProvider) -> None:
    browser = Browser(provider)
    for change in ({"code_verifier": "w" * 64}, {"client_id": "other"}, {"redirect_uri": "http://localhost/"}):
        answer = browser.fill(browser.begin(max_age="0"))
        assert json.loads(browser.grant(answer, **change).text)["error"] == "invalid_grant"
        assert json.loads(browser.grant(answer).text)["error"] == "invalid_grant"
    answer = browser.fill(browser.begin(max_age="0"))
    assert browser.grant(answer).status == 200
    assert browser.grant(answer).status == 400


def test_a_form_counts_in_its_own_browser_alone(provider: OidcProvider) -> None:
    page = Browser(provider).begin()
    assert Browser(provider).fill(page).status == 400
    browser = Browser(provider)
    page = browser.begin()
    name = re.search(r'name="request" value="([^"]+)"', page.text)
    assert name is not None
    form = {"request": name[1], "username": "ada", "password": ADA.password, "code": ADA.code()}
    assert browser.fetch("POST", "/authorize", form, Origin="http://evil.localhost").status == 400


def test_only_the_client_s_pages_may_exchange_a_code(provider: OidcProvider) -> None:
    browser = Browser(provider)
    answer = browser.fetch("OPTIONS", "/token", Origin="http://approvals.localhost:4566")
    assert answer.headers["Access-Control-Allow-Origin"] == "http://approvals.localhost:4566"
    assert (
        browser.fetch("OPTIONS", "/token", Origin="http://evil.localhost").headers["Access-Control-Allow-Origin"]
        is None
    )


def test_another_host_name_is_refused(provider: OidcProvider) -> None:
    assert Browser(provider).fetch("GET", "/jwks.json", Host="rebound.example").status == 421


def test_what_a_token_leaves_out(provider: OidcProvider) -> None:
    tokens = sign_in(provider.issuer, "page", BACK, BOB)
    assert (claims(tokens["id_token"])["amr"], claims(tokens["id_token"])["sub"]) == (["pwd"], "0002")
    provider.leave_out = frozenset({"amr", "auth_time"})
    found = claims(sign_in(provider.issuer, "page", BACK, BOB)["id_token"])
    assert not {"amr", "auth_time"} & set(found)


def test_a_token_for_a_test(provider: OidcProvider) -> None:
    found = claims(provider.issue(ADA, "page", auth_time=5, claims={"exp": 1, "groups": ["approvers"]}))
    assert (found["auth_time"], found["exp"], found["groups"]) == (5, 1, ["approvers"])


def test_the_code_is_rfc_6238s() -> None:
    # Appendix B: the secret 12345678901234567890 at 59 s and 1111111109 s, the last six of eight digits.
    person = Person("ada", "x", secret=b"12345678901234567890")
    assert (person.code(59), person.code(1111111109)) == ("287082", "081804")
    assert person.takes(person.code(59), 59)
    assert person.takes(person.code(59), 89)
    assert not person.takes(person.code(59), 120)


def test_what_is_kept_goes_after_its_time_and_the_oldest_first() -> None:
    now = [0.0]
    kept: Kept[int] = Kept(10, clock=lambda: now[0])
    name = kept.put(1)
    assert kept.get(name) == 1
    now[0] = 10
    assert kept.get(name) is None
    names = [kept.put(number) for number in range(1001)]
    assert kept.get(names[0]) is None
    assert (kept.take(names[1]), kept.take(names[1])) == (1, None)


@pytest.mark.parametrize("uri", ["https://example.com/", "file:///x", "http://a@localhost/", "http://localhost/#x"])
def test_a_client_lives_on_loopback(uri: str) -> None:
    with pytest.raises(OidcError, match="redirect URI"):
        Client("page", (uri,))


def test_wrong_settings_are_refused_in_one_line() -> None:
    with pytest.raises(OidcError, match="given twice"):
        OidcProvider([ADA, ADA])
    with pytest.raises(OidcError, match="not running"):
        _ = OidcProvider([ADA]).issuer
    with pytest.raises(OidcError, match="username"):
        Person("a b", "x")
