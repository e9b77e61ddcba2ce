"""Sign one request of HTTP as AWS verifies it: Signature Version 4, of the standard library.

IAM user guide, "Create a signed AWS API request". What is signed is the method, the path, the query, the host, the
time, the session's token and the body. Paths and queries are taken as they stand in the URL, which has them encoded.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

SERVICE: Final = "lambda"
"""Whom a function's URL is signed for."""
_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class SessionKeys:
    """Credentials of a session.

    Attributes:
        access_key: its id, which is no secret.
        secret_key: signs.
        token: goes with each request.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)


def signed_headers(
    keys: SessionKeys,
    method: str,
    url: str,
    body: bytes,
    *,
    region: str,
    service: str = SERVICE,
    now: float | None = None,
) -> dict[str, str]:
    """Return the headers that prove who sends a request.

    Args:
        keys: of who sends it.
        method: of HTTP.
        url: whole, as it is sent.
        body: as it is sent; empty for none.
        region: of the function.
        service: its signing name, where it is another.
        now: seconds since 1970. Default: the clock's.
    """
    parts = urlsplit(url)
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if now is None else now))
    headers = {"host": parts.netloc, "x-amz-date": at, "x-amz-security-token": keys.token}
    names = ";".join(headers)
    canonical = (
        method,
        quote(parts.path or "/", safe="/-_.~"),
        "&".join(sorted(parts.query.split("&"))),
        *(f"{name}:{value}" for name, value in headers.items()),
        "",
        names,
        hashlib.sha256(body).hexdigest(),
    )
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, at, scope, hashlib.sha256("\n".join(canonical).encode()).hexdigest()))
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    del headers["host"]  # urllib sends it
    credential = f"{keys.access_key}/{scope}"
    return {
        **headers,
        "authorization": f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}",
    }
