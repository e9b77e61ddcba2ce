"""The guard's own signature on requests to an AWS service, by the credentials of its environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.cli.approvals.sigv4 import SessionKeys, signed_headers
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Sigv4:
    """Signs by SigV4 with a session's credentials, which end with it.

    Where they must refresh themselves, a server that does that stands behind the guard, as ``mcp-proxy-for-aws`` does.

    Args:
        service: Its signing name, such as ``aws-mcp``.
        region: The endpoint's Region.

    Raises:
        InputError: The environment has no credentials of a session.
    """

    def __init__(self, service: str, region: str) -> None:
        missing = [name for name in _VARIABLES if not os.environ.get(name)]
        if missing:
            raise InputError(f"--sign needs credentials of a session, expected {', '.join(missing)} in the environment")
        self._keys = SessionKeys(*(os.environ[name] for name in _VARIABLES))
        self._service = service
        self._region = region

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """Return the headers that sign a request."""
        del headers  # an intermediary may change those, so none but the signature's own are signed
        return signed_headers(self._keys, method, url, body, region=self._region, service=self._service)
