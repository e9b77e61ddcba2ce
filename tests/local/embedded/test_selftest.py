"""The self-test stops a server whose denials do not deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.local.embedded.selftest import run_self_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws


def test_it_names_every_layer_that_is_missing(aws_without: Callable[..., EmbeddedAws]) -> None:
    # Without the audit, which would refuse the template whose boundary nobody reads.
    server = aws_without("boundaries_cfn", "scp", "pass_role", "property_audit")
    lines: list[str] = []
    with pytest.raises(EmbeddedAwsError) as raised:
        run_self_test(server.endpoint_url, report=lines.append)
    message = str(raised.value)
    assert "a call beyond the boundary of a CloudFormation role was allowed" in message
    assert "a call that an SCP denies in a member account was allowed" in message
    assert "passing a role without iam:PassRole was allowed" in message
    assert "without policies" not in message
    assert "trust condition" not in message
    assert lines == []


def test_what_cannot_be_tried_is_no_pass(stock: EmbeddedAws) -> None:
    with pytest.raises(EmbeddedAwsError, match=r"could not be set up.*CreateOrganization"):
        run_self_test(stock.endpoint_url, report=lambda _: None)
