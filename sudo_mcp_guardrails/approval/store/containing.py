"""Take back what a contained agent asked for: what the kill switch does to approvals, and all that it may do.

Each withdrawal is a record of the approval's own chain, signed with the kill switch's key, which signs nothing else
there (:data:`~sudo_mcp_guardrails.approval.store.signers.KINDS_OF_RESPONDER_KEY`). The chain is not checked first: a
broken one must not keep a request alive, and a replay counts the withdrawal only where the request is still open.
"""

from __future__ import annotations

import base64
import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.deciding.events import CONTAINMENT, ContainmentWithdrawal
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store.approvals_index import OPEN_INDEX
from sudo_mcp_guardrails.approval.store.aws import code_of, pages, text_of
from sudo_mcp_guardrails.approval.store.case import REFUSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.evidence import Signer
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.tokens import TokenStore

MAX_OPEN: Final = 10_000
"""Open approvals that are looked through; more are refused, so that no part is taken for all."""
_ENDED: Final = frozenset({CONTAINMENT, REFUSED, "outcome"})
_BEGUN: Final = "execution"
_OVER: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class ContainedApprovals:
    """The open approvals of agents, for whoever contains them.

    Args:
        dynamodb: boto3's low-level client of DynamoDB.
        stepfunctions: boto3's client of Step Functions.
        requests: name of the index of approvals.
        store: of the chains, with the kill switch's signer.
        tokens: of the waits.
        signer: the same, which also signs what ends a wait.
    """

    def __init__(  # noqa: PLR0917 - clients and stores, in the order of the design
        self,
        dynamodb: Any,  # noqa: ANN401 - of boto3
        stepfunctions: Any,  # noqa: ANN401 - of boto3
        requests: str,
        store: EvidenceStore,
        tokens: TokenStore,
        signer: Signer,
    ) -> None:
        self._dynamodb = dynamodb
        self._stepfunctions = stepfunctions
        self._requests = requests
        self._store = store
        self._tokens = tokens
        self._signer = signer

    def pending(self, *, agents: str) -> Mapping[str, str]:
        """Return the ids of the open approvals, and why one is left alone, or nothing.

        What is received, asked for, or approved is open. What the broker began to carry out is left alone: nothing in
        its chain stops it any more, and its role is denied each call. What ended meanwhile is not there.

        Args:
            agents: pattern of agents' names: a name, ``BEGINNING-*``, or ``*``.

        Raises:
            EvidenceError: there are more than :data:`MAX_OPEN`, or a chain cannot be read.
            Exception: what AWS answers.
        """
        found: dict[str, str] = {}
        options = {
            "TableName": self._requests,
            "IndexName": OPEN_INDEX,
            "KeyConditionExpression": "#open = :open",
            "ExpressionAttributeNames": {"#open": "open"},
            "ExpressionAttributeValues": {":open": {"S": "1"}},
        }
        for number, item in enumerate(pages(self._dynamodb, "query", **options)):
            if number >= MAX_OPEN:
                raise EvidenceError(f"more than {MAX_OPEN} approvals are open, allowed are {MAX_OPEN}")
            approval = text_of(item, "approval")
            if not fnmatchcase(text_of(item, "agent"), agents):
                continue
            kinds = {record.kind for record in self._store.records(approval)}
            if not kinds & _ENDED:
                found[approval] = "it is being carried out; its role is denied each call" if _BEGUN in kinds else ""
        return found

    def withdraw(self, *, approval: str, by: str, reason: str, containment: str) -> None:
        """Withdraw one, and end the wait of its workflow. Once more it changes nothing but ends a wait that is left.

        Args:
            approval: its id.
            by: ARN of who contains.
            reason: why, 1 to 2,000 characters.
            containment: id of the incident.

        Raises:
            DecisionError: a value is out of bounds.
            Exception: what AWS answers; the record may be there all the same.
        """
        records = self._store.records(approval)
        record = next((each for each in records if each.kind == CONTAINMENT), None)
        if record is None:
            event = ContainmentWithdrawal(approval, by, reason, containment, self._store.now())
            record = self._store.append(approval, CONTAINMENT, by, event.document())
        self._wake(approval, record.digest, record.number)

    def _wake(self, approval: str, digest: str, number: int) -> None:
        """End the wait, where there is one: whoever looks next finds the withdrawal in the chain."""
        token = self._tokens.get(approval)
        if token is None:
            return
        signature = base64.b64encode(self._signer.sign(bytes.fromhex(digest))).decode()
        told = {"approval": approval, "decision": digest, "number": number, "signature": signature}
        try:
            self._stepfunctions.send_task_success(taskToken=token.value, output=json.dumps(told))
        except Exception as error:
            if code_of(error) not in _OVER:
                raise
        self._tokens.delete(approval, token)
