from __future__ import annotations

from typing import Any, Final

import pytest

from sudo_mcp_guardrails.approval.authentication.registration import Registration, credential_chain
from sudo_mcp_guardrails.approval.errors import DecisionError
from tests.approval.signing import make_key

KEY: Final = make_key(77).public.der()
MADE: Final = Registration.of("a2V5", KEY, "alice", "an administrator's code", "blue key")


def test_a_registration_is_read_as_it_was_written() -> None:
    assert Registration.from_document(MADE.document()) == MADE
    assert MADE.key == KEY


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"publicKey": "none!"}, "is no base64"),
        ({"publicKey": "AAAA"}, "not the DER"),
        ({"publicKey": "A" * 204}, "up to 200 characters"),
        ({"credential": ""}, "0 characters"),
        ({"credential": "A" * 1401}, "1401 characters"),
        ({"person": ""}, "person has 0 characters"),
        ({"reason": ""}, "reason has 0 characters"),
        ({"more": "x"}, "has 'more'"),
    ],
)
def test_a_registration_that_is_none_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        Registration.from_document({**MADE.document(), **changes})


def test_a_record_without_a_public_key_is_none() -> None:
    document = MADE.document()
    del document["publicKey"]
    with pytest.raises(DecisionError, match="has no 'publicKey'"):
        Registration.from_document(document)


def test_each_person_has_a_chain() -> None:
    assert credential_chain("alice") == credential_chain("alice") != credential_chain("bob")
    assert credential_chain("alice").startswith("credentials/")
