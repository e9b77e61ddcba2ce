"""What a request is, and what one action tried by one principal is.

Not an extension: the values that `authorization` hands to the extensions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ministack.core import iam_evaluator

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTITION = "aws"  # the only one that ministack models


@dataclass(frozen=True)
class HttpRequest:
    """A request as it reached ministack's router, with its parameters readable whatever the protocol."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, Any]

    def form(self) -> dict[str, str]:
        """Return the query-protocol parameters, from the query string and the form body."""
        values = {key: value[0] if isinstance(value, list) else value for key, value in self.query.items() if value}
        if "x-www-form-urlencoded" in self.headers.get("content-type", ""):
            parsed = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
            values.update({key: value[0] for key, value in parsed.items()})
        return values

    def json(self) -> dict[str, Any]:
        """Return the JSON body, empty when the body is none."""
        try:
            data = json.loads(self.body or b"{}")
        except (ValueError, UnicodeDecodeError):
            return {}
        return data if isinstance(data, dict) else {}

    def text(self, name: str) -> str:
        """Return one text parameter, from the form or the top level of the JSON body; empty when absent."""
        value = self.form().get(name) or self.json().get(name) or ""
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Attempt:
    """One action that a principal tries on one resource, with the condition keys (lower case) it carries."""

    principal: Any  # ministack's PrincipalInfo
    action: str
    resource: str
    service: str
    region: str
    context: Mapping[str, Any] = field(default_factory=dict)
    request: HttpRequest | None = None

    def evaluation(self) -> Any:
        """Return ministack's EvalContext for this attempt."""
        context = {key.lower(): value for key, value in self.context.items()}
        context.setdefault("aws:tagkeys", None)
        return iam_evaluator.EvalContext(
            principal_arn=self.principal.arn,
            principal_type=self.principal.type,
            principal_account=self.principal.account,
            action=self.action,
            resource_arn=self.resource,
            region=self.region,
            service_context=context,
            principal_keys=self.principal.keys,
        )
