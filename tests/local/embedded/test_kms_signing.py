"""Keys that sign, from a template: who may sign and verify with them, and what a signature is worth."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

DIGEST = hashlib.sha256(b"an approval").digest()
ALGORITHM = "ECDSA_SHA_256"


def key(account: Account, *statements: dict[str, Any], name: str = "keys") -> str:
    administer = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"},
        "Action": ["kms:Create*", "kms:Describe*", "kms:Get*", "kms:List*", "kms:Disable*", "kms:Put*"],
        "Resource": "*",
    }
    template = {
        "Resources": {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {
                    "KeySpec": "ECC_NIST_P256",
                    "KeyUsage": "SIGN_VERIFY",
                    "KeyPolicy": {"Version": "2012-10-17", "Statement": [administer, *statements]},
                },
            }
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}},
    }
    assert account.deploy(template, name=name) == "CREATE_COMPLETE", account.reasons(name)
    [stack] = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def grant(account: Account, role: str, *actions: str, **more: Any) -> dict[str, Any]:
    principal = {"AWS": f"arn:aws:iam::{account.id}:role/{role}"}
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*", **more}


def signed(kms: Any, key_id: str, **more: Any) -> bytes:
    asked = {"MessageType": "DIGEST", "SigningAlgorithm": ALGORITHM, "Message": DIGEST, **more}
    return bytes(kms.sign(KeyId=key_id, **asked)["Signature"])


def verified(kms: Any, key_id: str, signature: bytes, message: bytes = DIGEST) -> bool:
    answer = kms.verify(
        KeyId=key_id, Message=message, MessageType="DIGEST", Signature=signature, SigningAlgorithm=ALGORITHM
    )
    return bool(answer["SignatureValid"])


@pytest.fixture
def signing(account: Account) -> tuple[Any, Any, str]:
    """A signer's and a verifier's client of one key, which each may do their one thing."""
    for name, action in (("signer", "kms:Sign"), ("verifier", "kms:Verify")):
        account.role(name, {"Effect": "Allow", "Action": action, "Resource": "*"})
    arn = key(account, grant(account, "signer", "kms:Sign"), grant(account, "verifier", "kms:Verify"))
    clients = [
        account.client("kms", account.assume(f"arn:aws:iam::{account.id}:role/{name}"))
        for name in ("signer", "verifier")
    ]
    return clients[0], clients[1], arn


def test_a_signature_holds_for_its_digest_and_key(
    account: Account, signing: tuple[Any, Any, str], refusal: Callable[..., str]
) -> None:
    signer, verifier, arn = signing
    signature = signed(signer, arn)
    assert verified(verifier, arn, signature)
    other = hashlib.sha256(b"another").digest()
    assert refusal(lambda: verified(verifier, arn, signature, other)) == "KMSInvalidSignatureException"
    assert refusal(lambda: verified(verifier, arn, signature[:-1])) == "KMSInvalidSignatureException"
    assert refusal(lambda: verified(verifier, arn, b"x")) == "KMSInvalidSignatureException"
    second = key(account, grant(account, "verifier", "kms:Verify"), name="second")
    assert refusal(lambda: verified(verifier, second, signature)) == "KMSInvalidSignatureException"


def test_its_public_half_verifies_offline(account: Account, signing: tuple[Any, Any, str]) -> None:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    signer, _, arn = signing
    found = account.client("kms").get_public_key(KeyId=arn)
    assert (found["KeySpec"], found["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    public = serialization.load_der_public_key(found["PublicKey"])
    public.verify(signed(signer, arn), DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_each_does_only_what_key_policy_and_identity_policy_both_say(
    account: Account, signing: tuple[Any, Any, str], refusal: Callable[..., str]
) -> None:
    signer, verifier, arn = signing
    signature = signed(signer, arn)
    assert refusal(lambda: verified(signer, arn, signature)) == "AccessDeniedException"
    assert refusal(lambda: signed(verifier, arn)) == "AccessDeniedException"
    # The key's policy does not delegate signing to identity policies.
    everything = account.role("everything", {"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    outsider = account.client("kms", account.assume(everything))
    assert refusal(lambda: signed(outsider, arn)) == "AccessDeniedException"
    assert refusal(lambda: verified(outsider, arn, signature)) == "AccessDeniedException"


def test_a_key_policy_may_ask_for_the_algorithm_and_kind_of_message(
    account: Account, refusal: Callable[..., str]
) -> None:
    role = account.role("signer")
    condition = {"StringEquals": {"kms:SigningAlgorithm": ALGORITHM, "kms:MessageType": "DIGEST"}}
    arn = key(account, grant(account, "signer", "kms:Sign", Condition=condition))
    kms = account.client("kms", account.assume(role))
    assert signed(kms, arn)
    assert refusal(lambda: signed(kms, arn, MessageType="RAW", Message=b"an approval")) == "AccessDeniedException"


def test_a_digest_has_its_length_and_a_disabled_key_signs_nothing(
    account: Account, signing: tuple[Any, Any, str], refusal: Callable[..., str]
) -> None:
    signer, verifier, arn = signing
    signature = signed(signer, arn)
    assert refusal(lambda: signed(signer, arn, Message=b"short")) == "ValidationException"
    assert refusal(lambda: signed(signer, arn, SigningAlgorithm="ECDSA_SHA_384")) != ""
    account.client("kms").disable_key(KeyId=arn)
    assert refusal(lambda: signed(signer, arn)) == "DisabledException"
    assert refusal(lambda: verified(verifier, arn, signature)) == "DisabledException"


def test_a_key_that_signs_does_not_encrypt(account: Account, refusal: Callable[..., str]) -> None:
    role = account.role("all")
    arn = key(account, grant(account, "all", "kms:*"))
    kms = account.client("kms", account.assume(role))
    assert refusal(lambda: kms.encrypt(KeyId=arn, Plaintext=b"x")) != ""
