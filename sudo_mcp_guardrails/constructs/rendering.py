"""From policies as data to the values that CloudFormation resources take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.iam.documents import PolicyDocument

_PSEUDO: Final = re.compile(r"(\$\{AWS::(?:Partition|AccountId|Region)\})")


def cloudformation(value: Any, tokens: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - walks any JSON value
    """Render a JSON value, with pseudo parameters as ``Fn::Join``.

    Written as plain data and not as CDK tokens: a policy is then one value that crosses to Node once, which is
    what keeps a hundred agents quick to synthesize. IAM's own ``${aws:...}`` variables stay as they are, as they
    would not in ``Fn::Sub``.

    Args:
        value: A JSON value.
        tokens: Whole strings to replace by a CDK token, such as a broker's ARN.
    """
    if isinstance(value, str):
        if tokens and value in tokens:
            return tokens[value]
        pieces = [piece for piece in _PSEUDO.split(value) if piece]
        if not any(_PSEUDO.fullmatch(piece) for piece in pieces):
            return value
        parts = [{"Ref": piece[2:-1]} if _PSEUDO.fullmatch(piece) else piece for piece in pieces]
        return parts[0] if len(parts) == 1 else {"Fn::Join": ["", parts]}
    if isinstance(value, list):
        return [cloudformation(item, tokens) for item in value]
    if isinstance(value, dict):
        return {key: cloudformation(item, tokens) for key, item in value.items()}
    return value


def policy_json(document: PolicyDocument, tokens: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - as above
    """Render a policy document for the ``PolicyDocument`` property of a resource."""
    return cloudformation(document.to_dict(), tokens)
