"""How requests reach OpenSearch: through opensearch-py for people, through botocore alone for the Lambda function."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from sudo_mcp_guardrails.trail.errors import TrailError

if TYPE_CHECKING:
    from collections.abc import Mapping

_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"


class UnreachableError(TrailError):
    """No answer came: refused, timed out, cut off, or no JSON. The request may or may not have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What OpenSearch answered.

    Attributes:
        status: of HTTP.
        body: the answer as parsed JSON; an empty dictionary where it was none.
    """

    status: int
    body: dict[str, Any]

    @property
    def reason(self) -> str:
        """What the answer says went wrong, in one line; the status where it says nothing."""
        error = self.body.get("error") or self.body.get("message") or self.body.get("Message")
        if isinstance(error, dict):
            error = f"{error.get('type')}: {error.get('reason')}"
        return " ".join(str(error).split())[:500] if error else f"status {self.status}"


class Transport(Protocol):
    """One OpenSearch, and one attempt: retries are the sink's."""

    @property
    def where(self) -> str:
        """The address, for messages, without credentials."""
        ...

    def send(
        self, method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Raises:
            UnreachableError: there was none.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class ClientTransport:
    """Through a client of opensearch-py.

    Args:
        client: an ``opensearchpy.OpenSearch``; its own retries should be off, as :meth:`connect` sets them.
        where: the address, for messages.
    """

    def __init__(self, client: Any, where: str) -> None:  # noqa: ANN401 - opensearch-py is an extra
        self._client = client
        self.where = where

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        credentials: Any = None,  # noqa: ANN401 - botocore has no types
        region: str | None = None,
        service: str = "es",
        timeout: float = 60.0,
    ) -> ClientTransport:
        """Connect to a node or a domain.

        Args:
            url: such as ``https://search-x.eu-central-1.es.amazonaws.com`` or ``http://127.0.0.1:9200``; a user and
                password in it are used.
            credentials: botocore's, to sign with SigV4. Default: requests are not signed.
            region: the domain's, needed to sign.
            service: ``es`` for a domain, ``aoss`` for Serverless.
            timeout: seconds for one request.

        Raises:
            TrailError: opensearch-py is not installed, or credentials came without a Region.
        """
        try:
            import opensearchpy  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise TrailError("the OpenSearch sink needs opensearch-py, which is not installed") from error
        checked = _Address.parse(url)
        signer = None
        if credentials is not None:
            signer = opensearchpy.Urllib3AWSV4SignerAuth(credentials, _needed(region, checked.shown), service)
        client = opensearchpy.OpenSearch(
            hosts=[url],
            http_auth=signer,
            timeout=timeout,
            max_retries=0,
            verify_certs=True,
            ssl_show_warn=False,
        )
        return cls(client, checked.shown)

    def send(
        self, method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """See :class:`Transport`."""
        from opensearchpy import exceptions  # noqa: PLC0415 - an extra

        headers = {"content-type": _content_type(path)} if body is not None else None
        try:
            found = self._client.transport.perform_request(
                method, path, params=dict(query or {}), body=body, headers=headers
            )
        except exceptions.TransportError as error:
            status = error.status_code
            if not isinstance(status, int):
                raise UnreachableError(f"no answer from {self.where}: {_line(error)}") from error
            return Answer(status, error.info if isinstance(error.info, dict) else {"message": error.error})
        except (exceptions.OpenSearchException, UnicodeDecodeError) as error:
            raise UnreachableError(f"no JSON in the answer of {self.where}: {_line(error)}") from error
        if isinstance(found, bool):  # HEAD
            return Answer(200 if found else 404, {})
        return Answer(200, found if isinstance(found, dict) else {})

    def close(self) -> None:
        """See :class:`Transport`."""
        self._client.close()


class SignedTransport:
    """Through botocore's own HTTP and signer: all that the Lambda function has.

    Args:
        url: as for :meth:`ClientTransport.connect`, without user and password.
        credentials: botocore's. Default: requests are not signed.
        region: needed to sign.
        service: ``es`` for a domain, ``aoss`` for Serverless.
        timeout: seconds for one request.

    Raises:
        TrailError: the address is none, or credentials came without a Region.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: Any = None,  # noqa: ANN401 - botocore has no types
        region: str | None = None,
        service: str = "es",
        timeout: float = 60.0,
    ) -> None:
        from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - trail/ imports it where it is needed

        address = _Address.parse(url)
        if address.has_user:
            raise TrailError(f"the address {address.shown} must not have a user: requests are signed")
        self.where = address.shown
        self._base = url.rstrip("/")
        self._credentials = credentials
        self._region = _needed(region, self.where) if credentials is not None else ""
        self._service = service
        self._session = URLLib3Session(timeout=timeout)

    def send(
        self, method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """See :class:`Transport`."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - as above
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"content-type": _content_type(path)} if body is not None else {}
        request = AWSRequest(method, url, headers=headers, data=body)
        try:
            if self._credentials is not None:
                signer = SigV4Auth(self._credentials.get_frozen_credentials(), self._service, self._region)
                request.headers["X-Amz-Content-SHA256"] = signer.payload(request)
                signer.add_auth(request)
            got = self._session.send(request.prepare())
            content: bytes = got.content
        except BotoCoreError as error:
            raise UnreachableError(f"no answer from {self.where}: {_line(error)}") from error
        return Answer(got.status_code, _parsed(content, self.where, got.status_code))

    def close(self) -> None:
        """See :class:`Transport`."""
        self._session.close()


@dataclass(frozen=True, slots=True)
class _Address:
    """A URL that was looked at."""

    shown: str
    has_user: bool

    @classmethod
    def parse(cls, url: str) -> _Address:
        """Check a URL; the message shows nothing of it but the host, since it may hold a password."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
            raise TrailError("the address of OpenSearch is not allowed, allowed is http(s)://HOST[:PORT][/PATH]")
        named = f"[{host}]" if ":" in host else host
        return cls(f"{parts.scheme}://{named}" + (f":{port}" if port else ""), "@" in parts.netloc)


def _content_type(path: str) -> str:
    return _NDJSON if path.endswith("/_bulk") else _JSON


def _needed(region: str | None, where: str) -> str:
    if not region:
        raise TrailError(f"requests to {where} cannot be signed without a Region")
    return region


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _parsed(content: bytes, where: str, status: int) -> dict[str, Any]:
    """Parse an answer. A proxy in between may say 503 in HTML, which is as good; a success must be JSON."""
    if not content:
        return {}
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        if status < 300:  # noqa: PLR2004 - of HTTP
            raise UnreachableError(f"no JSON in the answer of {where}: {_line(error)}") from error
        return {"message": content[:300].decode("utf-8", "replace")}
    return found if isinstance(found, dict) else {}
