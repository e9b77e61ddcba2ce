"""The IAM policy language as data, and the evaluator that decides requests on it."""

from __future__ import annotations

from sudo_mcp_guardrails.iam.documents import (
    PolicyDocument,
    PolicyError,
    PolicySizeError,
    Statement,
    parse_document,
)
from sudo_mcp_guardrails.iam.evaluate import Decision, Layers, evaluate
from sudo_mcp_guardrails.iam.request import Principal, Request

__all__ = [
    "Decision",
    "Layers",
    "PolicyDocument",
    "PolicyError",
    "PolicySizeError",
    "Principal",
    "Request",
    "Statement",
    "evaluate",
    "parse_document",
]
