"""Passkeys and security keys of approvers, and the codes by which a first one is enrolled."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.bounds import check_name
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.store.aws import CONDITION_FAILED, code_of, number_of, pages, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CREDENTIALS: Final = 20
"""Most keys of one person."""
_CODE: Final = "code:"
_MAX_ID: Final = 1_400


@dataclass(frozen=True)
class StoredCredential:
    """One key of one person.

    Attributes:
        person: in the form that people are compared by.
        id: of the credential, base64url.
        public_key: SubjectPublicKeyInfo in DER, of P-256.
        counter: of its signatures, the last one that was seen; 0 for one that does not count.
        created: seconds since 1970.
        by: identity that enrolled it.
        label: that the person gave it.

    Raises:
        DecisionError: a value is out of bounds, or the key is none of P-256.
    """

    person: str
    id: str
    public_key: bytes
    counter: int
    created: int
    by: str
    label: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        check_name("person", self.person)
        check_name("who enrols", self.by)
        check_name("label", self.label, empty=True)
        if not 1 <= len(self.id) <= _MAX_ID or not self.id.replace("-", "").replace("_", "").isalnum():
            raise DecisionError(f"credential id of {len(self.id)} characters is none, allowed: base64url")
        try:
            P256PublicKey.from_der(self.public_key)
        except ValueError as error:
            raise DecisionError(f"key of {self.person!r} is none: {error}") from None


class CredentialStore:
    """The table of credentials.

    Args:
        dynamodb: boto3's low-level client of DynamoDB.
        table: its name; keys ``person`` (S) and ``credential`` (S).
    """

    def __init__(self, dynamodb: Any, table: str) -> None:  # noqa: ANN401 - of boto3
        self._dynamodb = dynamodb
        self._table = table

    def add(self, credential: StoredCredential) -> bool:
        """Store a new key; False where one of this id is there already, which is never written over.

        Raises:
            DecisionError: the person has :data:`MAX_CREDENTIALS` keys.
        """
        if len(self.of(credential.person)) >= MAX_CREDENTIALS:
            raise DecisionError(f"{credential.person!r} has {MAX_CREDENTIALS} keys, allowed are no more")
        return self._conditional(
            "put_item",
            Item={
                **_key(credential.person, credential.id),
                "publicKey": {"B": credential.public_key},
                "counter": {"N": str(credential.counter)},
                "created": {"N": str(credential.created)},
                "by": {"S": credential.by},
                "label": {"S": credential.label},
            },
            ConditionExpression="attribute_not_exists(person)",
        )

    def of(self, person: str) -> list[StoredCredential]:
        """Return the keys of a person, the oldest first."""
        items = pages(
            self._dynamodb,
            "query",
            TableName=self._table,
            KeyConditionExpression="person = :person",
            ExpressionAttributeValues={":person": {"S": person}},
            ConsistentRead=True,
        )
        found = [_read(item) for item in items if not text_of(item, "credential").startswith(_CODE)]
        return sorted(found, key=lambda one: (one.created, one.id))

    def get(self, person: str, credential: str) -> StoredCredential | None:
        """Return one key; None where the person has none of this id."""
        if not credential or len(credential) > _MAX_ID or credential.startswith(_CODE):
            return None
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(person, credential), ConsistentRead=True)
        item = answer.get("Item")
        return _read(item) if item else None

    def count(self, person: str, credential: str, counter: int) -> bool:
        """Store the counter of a signature; False where it did not grow, as a copied key's would not.

        WebAuthn, section 7.2, step 22: a counter that stays 0 is one of an authenticator that does not count.
        """
        grown = "#counter < :counter" if counter else "#counter = :counter"
        return self._conditional(
            "update_item",
            Key=_key(person, credential),
            UpdateExpression="SET #counter = :counter",
            ConditionExpression=f"attribute_exists(person) AND {grown}",
            ExpressionAttributeNames={"#counter": "counter"},
            ExpressionAttributeValues={":counter": {"N": str(counter)}},
        )

    def offer_code(self, person: str, code: str, *, by: str, created: int, ends: int) -> None:
        """Store that a person may enrol a first key with a code, once; of the code only its hash is kept."""
        check_name("who offers a code", by)
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                **_key(person, _CODE + _hash(code)),
                "created": {"N": str(created)},
                "ends": {"N": str(ends)},
                "by": {"S": by},
            },
        )

    def use_code(self, person: str, code: str, now: int) -> bool:
        """Use a code up; False where the person has none like it, or its time is over."""
        return self._conditional(
            "delete_item",
            Key=_key(person, _CODE + _hash(code)),
            ConditionExpression="attribute_exists(person) AND #ends > :now",
            ExpressionAttributeNames={"#ends": "ends"},
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )

    def _conditional(self, operation: str, **options: Any) -> bool:  # noqa: ANN401 - of boto3
        try:
            getattr(self._dynamodb, operation)(TableName=self._table, **options)
        except Exception as error:
            if code_of(error) != CONDITION_FAILED:
                raise
            return False
        return True


def _key(person: str, credential: str) -> dict[str, dict[str, str]]:
    return {"person": {"S": person}, "credential": {"S": credential}}


def _hash(code: str) -> str:
    return hashlib.sha256(b"sudo-mcp-guardrails/enrolment-code\n" + code.encode()).hexdigest()


def _read(item: Mapping[str, Any]) -> StoredCredential:
    return StoredCredential(
        person=text_of(item, "person"),
        id=text_of(item, "credential"),
        public_key=bytes(item.get("publicKey", {}).get("B", b"")),
        counter=number_of(item, "counter"),
        created=number_of(item, "created"),
        by=text_of(item, "by"),
        label=text_of(item, "label"),
    )
