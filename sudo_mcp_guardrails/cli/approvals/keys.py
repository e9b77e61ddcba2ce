"""The keys whose signatures count: which key signs what, and the public half of each.

A public key comes from a file, so that an auditor needs no access to the account, or from KMS's ``GetPublicKey``.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from sudo_mcp_guardrails.cli.approvals.files import asking, read_file
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
    from sudo_mcp_guardrails.approval.chain.keys import PublicKeys
    from sudo_mcp_guardrails.approval.store.signers import Keys
    from sudo_mcp_guardrails.trail.aws import AwsAccess

_PEM: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----(?P<body>[A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_KEY_ARN: Final = re.compile(r"arn:[a-z-]+:kms:(?P<region>[a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]+", re.ASCII)

_HELP: Final = "ARN of the key, and after = a file with its public half in PEM or DER; without a file, KMS is asked."
EvidenceKeyOption = Annotated[
    str | None,
    typer.Option(
        "--evidence-key", metavar="KEYID[=FILE]", help=f"Signs what the workflow does. {_HELP}", show_default=False
    ),
]
DecisionKeyOption = Annotated[
    str | None,
    typer.Option("--decision-key", metavar="KEYID[=FILE]", help=f"Signs what people do. {_HELP}", show_default=False),
]
TrustKeyOption = Annotated[
    str | None,
    typer.Option("--trust-key", metavar="KEYID[=FILE]", help=f"Signs the ledger of trust. {_HELP}", show_default=False),
]

ResponderKeyOption = Annotated[
    str | None,
    typer.Option(
        "--responder-key",
        metavar="KEYID[=FILE]",
        help=f"The kill switch's, which withdraws what contained agents asked for. {_HELP}",
        show_default=False,
    ),
]


class Signers(NamedTuple):
    """The keys that count, and their public halves."""

    keys: Keys
    verifier: PublicKeys


def signers(
    evidence: str | None, decision: str | None, trust: str | None, aws: AwsAccess, responder: str | None = None
) -> Signers | None:
    """Return the keys that four options give; None where none is given.

    Args:
        evidence: signs what the workflow does.
        decision: signs what people do.
        trust: signs the ledger of trust.
        aws: how to reach KMS.
        responder: signs withdrawals of contained agents' requests.

    Raises:
        InputError: only some are given, or a public key cannot be had.
        EvidenceError: two are the same.
    """
    from sudo_mcp_guardrails.approval.chain.keys import PublicKeys
    from sudo_mcp_guardrails.approval.store.signers import Keys

    if not (evidence or decision or trust or responder):
        return None
    if not (evidence and decision):
        raise InputError("--evidence-key and --decision-key go together, expected both: each signs its own kinds")
    found = {}
    names = []
    for given in (evidence, decision, trust, responder):
        name, _, file = (given or "").partition("=")
        names.append(name)
        if name:
            found[name] = _from_file(Path(file)) if file else _from_kms(name, aws)
    return Signers(Keys(*names), PublicKeys(found))


def _from_file(path: Path) -> P256PublicKey:
    from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey

    text = read_file(path)
    pem = _PEM.fullmatch(text.strip())
    try:
        der = base64.b64decode(b"".join(pem["body"].split()), validate=True) if pem else text
        return P256PublicKey.from_der(der)
    except (ValueError, binascii.Error) as error:
        raise InputError(f"{str(path)!r} holds no public key on P-256 in PEM or DER: {error}") from error


def _from_kms(name: str, aws: AwsAccess) -> P256PublicKey:
    from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey

    arn = _KEY_ARN.fullmatch(name)
    if arn is None:
        raise InputError(f"key {name!r} is no ARN of a KMS key, expected one, or KEYID=FILE with its public half")
    with asking(f"public half of key {name!r}"):
        answer = aws.client("kms", arn["region"]).get_public_key(KeyId=name)
    try:
        return P256PublicKey.from_der(bytes(answer["PublicKey"]))
    except ValueError as error:
        raise InputError(f"key {name!r} is none on P-256: {error}") from error
