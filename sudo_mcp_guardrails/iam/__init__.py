"""The IAM policy language as data, the evaluator that decides requests on it, and the prover that decides all."""

from __future__ import annotations

from sudo_mcp_guardrails.iam.documents import (
    PolicyDocument,
    PolicyError,
    PolicySizeError,
    Statement,
    parse_document,
    parse_json,
)
from sudo_mcp_guardrails.iam.evaluate import Decision, Layers, evaluate
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal, Request
from sudo_mcp_guardrails.iam.verdict import Proof, Verdict

__all__ = [
    "Decision",
    "Facts",
    "Layers",
    "PolicyDocument",
    "PolicyError",
    "PolicySizeError",
    "Principal",
    "Proof",
    "Prover",
    "Request",
    "Statement",
    "Verdict",
    "evaluate",
    "parse_document",
    "parse_json",
]
