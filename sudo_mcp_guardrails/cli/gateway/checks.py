"""All checks of a gateway, from its lock file and its configuration, in the order in which they are asked."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sudo_mcp_guardrails.gateway.deciding.check import DecisionCheck
    from sudo_mcp_guardrails.gateway.pins.lock import Lock

DIGEST_KEY: Final = "MCP_GUARDRAILS_DIGEST_KEY"
"""Variable with the key, in hexadecimal, of the digests of content in records."""
_KEY_BYTES: Final = 32


@dataclass(frozen=True)
class Chosen:
    """The checks of a gateway.

    Attributes:
        checks: In their order; the last ones may be observers alone.
        lock: What is pinned.
        digest: Over all that they decide by.
        decision: The decision among them; None without a configuration.
    """

    checks: tuple[Any, ...]
    lock: Lock
    digest: str
    decision: DecisionCheck | None


def checks_of(
    lock_file: Path | None,
    config: Path | None,
    report: Callable[[str], None],
    *,
    records: Path | None = None,
    records_key: Path | None = None,
) -> Chosen:
    """Return every check that a lock file and a configuration set up.

    Pins come first, since they cost least; then secrets leave the arguments and results are made fit to be read; then
    the decision, and where the arguments come from.

    Args:
        lock_file: The lock; with a configuration, that names it.
        config: The configuration; None for a guard that decides about nothing but pins, results and taint.
        report: Told what takes time, and what is missing.
        records: Folder in which a new file of records is begun; None for none.
        records_key: PEM file of the Ed25519 key that signs them.

    Raises:
        InputError: Options do not go together.
        GuardrailsError: A file cannot be read, or says what is not allowed.
    """
    from sudo_mcp_guardrails.gateway.pins.check import PinCheck
    from sudo_mcp_guardrails.gateway.pins.files import read_lock
    from sudo_mcp_guardrails.gateway.pins.labels import Effect
    from sudo_mcp_guardrails.gateway.results.check import ResultCheck
    from sudo_mcp_guardrails.gateway.taint.check import TaintCheck

    decision: DecisionCheck | None = None
    if config is not None:
        if lock_file is not None:
            raise InputError("--lock with --config is not allowed: the configuration names the lock file")
        from sudo_mcp_guardrails.cli.gateway.configuration import configured

        found = configured(config, report)
        pins, decision = found.pins, found.decision
    elif lock_file is not None:
        pins = PinCheck(read_lock(lock_file))
        report("warning: without --config nothing decides what calls may do; pins, results and taint are checked")
    else:
        raise InputError("no lock file is given, expected --lock or --config")
    lock = pins.lock
    tools = [(server, name) for server, pin in lock.servers.items() for name in pin.lists.get("tools", {})]
    writing = {name for server, name in tools if pins.labels(server, name).effect is Effect.WRITE}
    taint = TaintCheck(pins.labels, writing)
    aws = decision.settings.aws if decision is not None else {}
    checks: list[Any] = [pins, ResultCheck(is_free_text=lambda server, tool: bool(pins.labels(server, tool).free_text))]
    checks += [] if decision is None else [decision]
    checks.append(taint)
    if aws:
        from sudo_mcp_guardrails.gateway.meaning.check import DeclaredCheck

        checks.append(DeclaredCheck(aws))
    parts = [hashlib.sha256(lock.text().encode()).hexdigest(), decision.digest if decision is not None else ""]
    parts.append(hashlib.sha256(config.read_bytes()).hexdigest() if config is not None else "")
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    if records is not None:
        checks.append(_recorder(records, records_key, taint, {"policy": digest, "lock": parts[0]}))
    elif records_key is not None:
        raise InputError("--records-key without --records is not allowed")
    return Chosen(tuple(checks), lock, digest, decision)


def _recorder(folder: Path, key: Path | None, taint: Any, opening: dict[str, str]) -> Any:  # noqa: ANN401 - its types
    from sudo_mcp_guardrails.gateway.provenance.keys import FileKey
    from sudo_mcp_guardrails.gateway.provenance.log import RecordLog
    from sudo_mcp_guardrails.gateway.provenance.observer import ProvenanceObserver
    from sudo_mcp_guardrails.gateway.provenance.syncing import Beside

    if key is None:
        raise InputError("--records without --records-key is not allowed: records are signed")
    try:
        secret = bytes.fromhex(os.environ.get(DIGEST_KEY, ""))
    except ValueError:
        secret = b""
    if len(secret) < _KEY_BYTES:
        raise InputError(f"{DIGEST_KEY} is not allowed, expected {_KEY_BYTES} bytes or more in hexadecimal")
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}.jsonl"
    log = RecordLog(folder / name, FileKey(key), opening, sync=Beside())
    return ProvenanceObserver(log, secret, taint.facts)
