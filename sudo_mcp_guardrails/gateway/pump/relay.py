"""A server behind streamable HTTP: how it is reached, with the guard's own credentials and nobody else's."""

from __future__ import annotations

import asyncio
import hashlib
import io
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.refusals import SERVER_GONE, SERVER_MISBEHAVED, TOO_LARGE, RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    import aiohttp


_CONNECT_SECONDS: Final = 10.0
_PIECE: Final = 65_536
# Below what common servers keep a connection open for: one that they just closed would fail a call.
_KEEP_SECONDS: Final = 3.0
_REDIRECT: Final = range(300, 400)
_UNAUTHORIZED: Final = frozenset({401, 403, 407})


class Signer(Protocol):
    """What makes the guard's own authentication for a server; it may refresh credentials, and must not block."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Awaitable[Mapping[str, str]]:
        """Return the headers to add."""
        ...


@dataclass(slots=True)
class Remote:
    """A server at a URL.

    Attributes:
        url: Of its endpoint.
        headers: The guard's own, such as ``Authorization``: never a client's.
        signer: Makes more of them for each request.
        answer_bytes: Of one message of it.
        certificates: SHA-256 of the certificates that it may show, as ``sha256:HEX``; none for those this machine
            trusts.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    signer: Signer | None = None
    answer_bytes: int = 16 * 1024 * 1024
    certificates: tuple[str, ...] = ()
    _client: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Get ready.

        Raises:
            GatewayError: The package ``aiohttp`` is missing.
        """
        try:
            import aiohttp  # noqa: PLC0415 - of the extra `gateway`
        except ImportError as error:
            raise GatewayError(
                "package 'aiohttp' is missing, expected pip install 'sudo-mcp-guardrails[gateway]'"
            ) from error
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=_KEEP_SECONDS, ssl=_fingerprint(self.certificates)
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=2**16,
            headers={"user-agent": "sudo-mcp-guardrails", "accept-encoding": "identity"},
        )

    async def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def ask(self, method: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request, without redirects and without retries.

        Raises:
            RefusedError: The server cannot be reached, or broke off.
        """
        import aiohttp  # noqa: PLC0415 - as above

        assert self._client is not None  # noqa: S101 - opened at the start
        sent = {**headers, **self.headers}
        if self.signer is not None:
            sent.update(await self.signer(method, self.url, sent, body))
        try:
            async with self._client.request(
                method, self.url, data=_payload(body), headers=sent, allow_redirects=False
            ) as response:
                yield response
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            said = f"the server broke off ({type(error).__name__}); what was asked may have been done all the same"
            raise RefusedError(SERVER_GONE, said) from error

    async def document(self, response: aiohttp.ClientResponse) -> bytes:
        """Return a bounded body whole.

        Raises:
            RefusedError: It is larger than allowed.
        """
        parts, size = [], 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self.answer_bytes:
                raise RefusedError(TOO_LARGE, f"the server's answer has more than {self.answer_bytes} bytes")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _fingerprint(certificates: tuple[str, ...]) -> Any:  # noqa: ANN401 - aiohttp's, or True
    """Return what aiohttp compares a certificate with; True for the machine's own trust."""
    import aiohttp  # noqa: PLC0415 - of the extra `gateway`

    if not certificates:
        return True
    known = [bytes.fromhex(each.removeprefix("sha256:")) for each in certificates]

    class OneOf(aiohttp.Fingerprint):
        """One of several, so that a host may change to its next one."""

        def check(self, transport: asyncio.Transport) -> None:
            """Raise where the certificate is none of them."""
            shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if hashlib.sha256(shown or b"").digest() not in known:
                super().check(transport)

    return OneOf(known[0])


def _payload(body: bytes) -> object:
    # What is large goes out piece by piece, so that it does not hold up the others.
    return io.BytesIO(body) if len(body) > _PIECE else body or None


def checked(response: aiohttp.ClientResponse) -> str:
    """Return the kind of content of an answer that may be read.

    Raises:
        RefusedError: It leads elsewhere, refuses the guard's own credentials, or is compressed.
    """
    if response.status in _REDIRECT:
        raise RefusedError(SERVER_MISBEHAVED, f"the server answers {response.status}: redirects are not followed")
    if response.status in _UNAUTHORIZED:
        raise RefusedError(SERVER_GONE, f"the server answers {response.status} to the guard's own credentials")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError(SERVER_MISBEHAVED, "the server's answer is compressed, which was not asked for")
    return str(response.content_type)
