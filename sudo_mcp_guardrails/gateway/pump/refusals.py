"""The errors that the pump answers with, and their HTTP status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_GONE: Final = -32000
TIMED_OUT: Final = -32001
TOO_LARGE: Final = -32003
BUSY: Final = -32004
SERVER_MISBEHAVED: Final = -32005
REFUSED: Final = -32006
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
"""-32020 and -32022 are the protocol's, as of 2026-07-28; -32000 to -32019 are left to who implements it."""

_STATUS: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
    TOO_LARGE: 413,
    BUSY: 503,
    SERVER_GONE: 502,
    SERVER_MISBEHAVED: 502,
    TIMED_OUT: 504,
    REFUSED: 403,
}


class RefusedError(Exception):
    """A message that the pump does not pass.

    Attributes:
        code: Of the JSON-RPC error.
        message: One sentence: what came, and what is allowed.
        id: Of the request, where it is known.
        data: The error's ``data``.
        headers: What stands in the answer's head over HTTP.
    """

    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(
        self, code: int, message: str, id: str | int | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id
        self.data = data

    def answer(self) -> bytes:
        """Return it as a JSON-RPC answer."""
        return error_answer(self.id, self.code, self.message, self.data)

    @property
    def status(self) -> int:
        """HTTP's status for it."""
        return _STATUS.get(self.code, 200)


def error_answer(id: str | int | None, code: int, message: str, data: Mapping[str, Any] | None = None) -> bytes:
    """Return a JSON-RPC error; ``id`` is None where the request's could not be told."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = dict(data)
    return json_bytes({"jsonrpc": "2.0", "id": id, "error": error})


def json_bytes(value: object) -> bytes:
    """Return ``value`` as compact JSON in UTF-8, in the order of its keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
