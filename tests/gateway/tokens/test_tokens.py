"""Access tokens: which are taken, and every way in which one that is not may look like one that is."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.front import Door, UnknownClientError
from sudo_mcp_guardrails.gateway.tokens.keys import KeySet, parse_keys
from sudo_mcp_guardrails.gateway.tokens.verify import TokenError, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("cryptography")
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER, AUDIENCE, SCOPE = "https://issuer.example", "https://guard.example/mcp", "mcp:release-bot:read"
NOW = 1_800_000_000.0
Json = dict[str, Any]


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, size: int = 0) -> str:
    return encoded(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Issuer:
    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())

    def key_set(self) -> bytes:
        public, point = self.rsa.public_key().public_numbers(), self.ec.public_key().public_numbers()
        keys: list[Json] = [
            {"kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": number(public.n), "e": number(public.e)},
            {"kty": "EC", "kid": "ec", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32)},
            {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"},
            {"kty": "RSA", "kid": "enc", "use": "enc", "n": number(public.n), "e": number(public.e)},
        ]
        return json.dumps({"keys": keys}).encode()

    def token(self, header: Json | None = None, *, raw: bytes | None = None, **claims: Any) -> str:
        head = {"alg": "RS256", "kid": "rsa", "typ": "at+jwt", **(header or {})}
        body: Json = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": NOW + 60, "iat": NOW, "scope": f"x {SCOPE}"}
        body = {name: value for name, value in {**body, **claims}.items() if value is not None}
        text = f"{encoded(json.dumps(head).encode())}.{encoded(raw or json.dumps(body).encode())}"
        if head["kid"] == "ec":
            r, s = decode_dss_signature(self.ec.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            return f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
        return f"{text}.{encoded(self.rsa.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


def tokens(issuer: Issuer, clock: Callable[[], float] = lambda: NOW) -> Tokens:
    keys = KeySet("https://issuer.example/keys", fetch=lambda _: issuer.key_set())
    return Tokens(keys, ISSUER, AUDIENCE, SCOPE, clock=clock)


def test_tokens_of_either_algorithm_are_taken(issuer: Issuer) -> None:
    taken = tokens(issuer)
    assert taken.principal(issuer.token()) == "ann"
    assert taken.principal(issuer.token({"alg": "ES256", "kid": "ec"}, sub="ben", aud=["other", AUDIENCE])) == "ben"


@pytest.mark.parametrize(
    ("header", "claims", "why"),
    [
        ({"alg": "none"}, {}, "algorithm"),
        ({"alg": "HS256"}, {}, "algorithm"),
        ({"alg": "ES256"}, {}, "algorithm"),
        ({"kid": "oct"}, {}, "key is not known"),
        ({"kid": "enc"}, {}, "key is not known"),
        ({"kid": "other"}, {}, "key is not known"),
        ({"kid": None}, {}, "key is not known"),
        ({"crit": ["b64"]}, {}, "crit"),
        ({"typ": "dpop+jwt"}, {}, "type"),
        ({}, {"iss": "https://issuer.example/"}, "issuer"),
        ({}, {"aud": "https://other.example/mcp"}, "another server"),
        ({}, {"aud": None}, "another server"),
        ({}, {"exp": NOW - 31}, "ended"),
        ({}, {"exp": None}, "ended"),
        ({}, {"exp": "2099"}, "no number"),
        ({}, {"exp": True}, "no number"),
        ({}, {"nbf": NOW + 31}, "not good yet"),
        ({}, {"iat": NOW + 31}, "not good yet"),
        ({}, {"scope": f"{SCOPE}x"}, "scope"),
        ({}, {"scope": [SCOPE]}, "scope"),
        ({}, {"scope": None}, "scope"),
        ({}, {"sub": ""}, "subject"),
        ({}, {"sub": "ann\u200b"}, "subject"),
        ({}, {"sub": None}, "subject"),
    ],
)
def test_others_are_refused(issuer: Issuer, header: Json, claims: Json, why: str) -> None:
    with pytest.raises(TokenError, match=why):
        tokens(issuer).principal(issuer.token(header, **claims))


def test_a_token_that_was_changed_or_is_none_is_refused(issuer: Issuer) -> None:
    head, body, signature = issuer.token().split(".")
    other = encoded(
        json.dumps({"iss": ISSUER, "aud": AUDIENCE, "sub": "eve", "exp": NOW + 60, "scope": SCOPE}).encode()
    )
    twice = issuer.token(raw=b'{"sub": "ann", "sub": "eve"}')
    for token in (
        *("", "a", "a.b", "a.b.c", f"{head}.{body}", f"{head}.{body}.", f"{head}.{body}.{signature}.x", "x" * 9000),
        *(
            f"{head}.{other}.{signature}",
            f"{head}.{body}.{signature[:-8]}AAAAAAAA",
            f"{head}=.{body}.{signature}",
            twice,
        ),
    ):
        with pytest.raises(TokenError):
            tokens(issuer).principal(token)


def test_what_was_verified_is_remembered_until_it_ends(issuer: Issuer) -> None:
    now = [NOW]
    taken = tokens(issuer, lambda: now[0])
    token = issuer.token()
    assert [taken.principal(token) for _ in range(2)] == ["ann", "ann"]
    now[0] = NOW + 91
    with pytest.raises(TokenError, match="ended"):
        taken.principal(token)


def test_a_withdrawn_key_ends_its_tokens_and_stale_keys_end_all(issuer: Issuer) -> None:
    now, answer = [0.0], [issuer.key_set()]
    keys = KeySet("https://issuer.example/keys", fetch=lambda _: answer[0], clock=lambda: now[0])
    taken = Tokens(keys, ISSUER, AUDIENCE, SCOPE, clock=lambda: NOW)
    token = issuer.token()
    assert taken.principal(token) == "ann"
    answer[0] = json.dumps({"keys": [k for k in json.loads(issuer.key_set())["keys"] if k["kid"] == "ec"]}).encode()
    now[0] = 3601
    taken.principal(token)  # begins to fetch beside it
    until = time.monotonic() + 10
    while keys.find("rsa") is not None and time.monotonic() < until:
        time.sleep(0.01)
    with pytest.raises(TokenError, match="key is not known"):
        taken.principal(token)
    answer[0] = b"no keys"
    now[0] = 3601 + 24 * 3600 + 1
    assert keys.find("ec") is None
    for thread in threading.enumerate():
        if thread.name.startswith("keys of"):
            thread.join(10)
    assert keys.find("ec") is None, "what was fetched since is no key set"


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [{"kty": "RSA", "kid": "x"}]}', b"[" * 9999]
)
def test_key_sets_that_are_none(raw: bytes) -> None:
    with pytest.raises(GatewayError, match="not allowed"):
        parse_keys(raw)


def test_keys_of_small_size_or_of_one_id_are_refused(issuer: Issuer) -> None:
    small = rsa.generate_private_key(65537, 1024).public_key().public_numbers()  # noqa: S505 - to be refused
    with pytest.raises(GatewayError, match="RS256 or ES256"):
        parse_keys(
            json.dumps({"keys": [{"kty": "RSA", "kid": "a", "n": number(small.n), "e": number(small.e)}]}).encode()
        )
    found = json.loads(issuer.key_set())["keys"]
    with pytest.raises(GatewayError, match="twice"):
        parse_keys(json.dumps({"keys": [found[0], found[0]]}).encode())


def test_a_place_that_speaks_no_http_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def answer() -> None:
            connected, _ = listening.accept()
            with connected:
                connected.recv(4096)
                connected.sendall(b"no http\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(GatewayError, match="cannot be read"):
            KeySet(f"http://127.0.0.1:{port}/keys")
        thread.join(10)


def test_keys_are_read_from_a_file_or_by_https_alone(issuer: Issuer, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(issuer.key_set())
    assert KeySet(str(file)).find("rsa") is not None
    for place in ("http://issuer.example/keys", "file:///etc/hostname", str(tmp_path / "none")):
        with pytest.raises(GatewayError, match="cannot be read"):
            KeySet(place)


def test_the_door_takes_them_and_says_where_the_metadata_is(issuer: Issuer) -> None:
    where = "https://guard.example/.well-known/oauth-protected-resource/mcp"
    door = Door(frozenset({"guard.example"}), tokens=tokens(issuer), metadata=where)
    here = {"host": "guard.example"}
    assert door.admit({**here, "authorization": f"Bearer {issuer.token()}"}) == "ann"
    for value in ("", f"Basic {issuer.token()}", "Bearer x", f"Bearer {issuer.token(aud='x')}"):
        with pytest.raises(UnknownClientError) as refused:
            door.admit({**here, "authorization": value})
        assert refused.value.headers == ((b"www-authenticate", f'Bearer resource_metadata="{where}"'.encode()),)
        assert refused.value.status == 401
    with pytest.raises(GatewayError, match="one of them"):
        Door(frozenset({"guard.example"}), {"a" * 64: "x"}, tokens=tokens(issuer))
    with pytest.raises(GatewayError, match="both of them"):
        Tokens(tokens(issuer).keys, ISSUER, "")
