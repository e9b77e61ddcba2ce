"""How long a process takes that looks at an agent's ledger of trust: the very first, one that starts, and a warm one.

``python -m benchmarks.approvals.trust_ledger [ENTRIES]``, 10,249 by default: one less than makes another mark, which is
the worst case. Signatures are real ones on P-256; the table is in memory, so that what DynamoDB, S3 and KMS take is
left out. Prints one object of JSON, in seconds of the processor.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsVerifier
from sudo_mcp_guardrails.approval.store.signers import Keys
from sudo_mcp_guardrails.approval.store.trust_store import TrustStore
from sudo_mcp_guardrails.approval.trust import chain_name, record
from sudo_mcp_guardrails.approval.trust_ledger.facts import Outcome, Result
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Introduced

ENTRIES: Final = 10_249
BEGAN: Final = 1_795_435_200
AGENT: Final = "release-bot"
VERSION: Final = "a1" * 32
KEYS: Final = Keys(*(f"arn:aws:kms:eu-central-1:111111111111:key/{name}" for name in ("evidence", "decision", "trust")))
_REPEATED: Final = 3
_PAGE: Final = 1_000


class Memory:
    """A table, a key, and a bucket that keeps nothing, as far as a ledger asks them."""

    def __init__(self) -> None:
        self.key_id = KEYS.trust
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.chains: dict[str, list[dict[str, Any]]] = {}

    def query(self, **call: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3 is called
        """Return a page of a chain."""
        values = call["ExpressionAttributeValues"]
        items = self.chains.get(values[":chain"]["S"], [])
        if call.get("ScanIndexForward") is False:
            return {"Items": items[-1:]}
        start = int(call.get("ExclusiveStartKey", {}).get("at", int(values.get(":since", {"N": "1"})["N"]) - 1))
        more = {"LastEvaluatedKey": {"at": start + _PAGE}} if start + _PAGE < len(items) else {}
        return {"Items": items[start : start + _PAGE], **more}

    def put_item(self, **call: Any) -> None:  # noqa: ANN401 - likewise
        """Append a record."""
        item = call["Item"]
        self.chains.setdefault(item["chain"]["S"], []).append(item)

    def get_public_key(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - likewise
        """Return the public half."""
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        return {"PublicKey": self._key.public_key().public_bytes(serialization.Encoding.DER, kind)}

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest."""
        return self._key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def filled(entries: int) -> Memory:
    """Return a table with a ledger in it: an introduction, and clean outcomes, one in ten minutes."""
    memory, last, chain = Memory(), None, chain_name(AGENT)
    for number in range(entries):
        fact = (
            Outcome(
                f"apr-{number:026d}", VERSION, RiskClass.R1, "sandbox", Result.CLEAN, f"{number:064x}", "rita", ("ann",)
            )
            if number
            else Introduced(VERSION, "erin", "a new agent")
        )
        last = record(AGENT, last, fact, time=BEGAN + 600 * number, who="approval-record", signer=memory)
        text = last.line().decode().rstrip("\n")
        memory.put_item(Item={"chain": {"S": chain}, "number": {"N": str(last.number)}, "record": {"S": text}})
    return memory


def looks(memory: Memory, entries: int, *, marked: bool) -> tuple[float, float]:
    """Return the seconds of a new process's first look, and of its second."""
    if not marked:
        memory.chains = {name: rows for name, rows in memory.chains.items() if name == chain_name(AGENT)}
    store = EvidenceStore(memory, None, "trust", "", memory, lambda: BEGAN + 600 * entries)
    trust = TrustStore(store, KmsVerifier(memory), KEYS, TrustPolicy())
    times = []
    for _ in range(2):
        began = time.process_time()
        state = trust.state(AGENT)
        times.append(time.process_time() - began)
        if state.broken or state.number != entries:
            raise AssertionError(f"the ledger was not replayed: {state.broken or state.number}")
    return times[0], times[1]


def main(entries: int = ENTRIES) -> None:
    """Measure, and print."""
    memory = filled(entries)
    first = [looks(memory, entries, marked=False) for _ in range(_REPEATED)]
    starting = [looks(memory, entries, marked=True) for _ in range(_REPEATED)]
    found = {
        "entries": entries,
        "first": _mean([cold for cold, _ in first]),
        "starting": _mean([cold for cold, _ in starting]),
        "warm": _mean([warm for _, warm in (*first, *starting)]),
        "python": platform.python_version(),
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _mean(times: list[float]) -> float:
    return round(sum(times) / len(times), 4)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES)
