"""Compare a saved plan of Terraform with the approved one, in the build that applies it.

``python -m sudo_mcp_guardrails.approval.applying.compare BUNDLE SHOWN SAVED DIGEST`` ends with 0 where they are the
same plan, and with 1 and a line that says why where they are not.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.errors import ApprovalError, PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.reading.source import MAX_BYTES
from sudo_mcp_guardrails.approval.store.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

_ARGUMENTS: Final = 4


def compare(bundle: bytes, shown: bytes, saved: Path, digest: str) -> None:
    """Compare a plan file with the approved plan.

    Args:
        bundle: What the approved plan was read from.
        shown: What ``terraform show -json`` prints of the saved plan.
        saved: The saved plan file.
        digest: Of the approved plan.

    Raises:
        PlanError: They are not the same.
    """
    kept = Bundle.from_json(bundle)
    if kept.form is not Form.TERRAFORM:
        raise PlanError(f"the approved plan is a {kept.form.value}, expected {Form.TERRAFORM.value}")
    with saved.open("rb") as file:
        hashed = _hash(file)
    if hashed != kept.known.get("artifact"):
        raise PlanError(f"the plan file has the hash {hashed}, expected {kept.known.get('artifact')}")
    if len(shown) > MAX_BYTES:
        raise PlanError(f"the plan that is shown has {len(shown)} bytes, allowed are {MAX_BYTES}")
    found = Bundle(Form.TERRAFORM, parsed(shown, "the plan that is shown"), kept.known).plan().digest
    if not found == kept.plan().digest == digest:
        raise PlanError(f"the plan file's plan has digest {found}, approved is {digest}")


def _hash(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while part := file.read(1 << 20):
        found.update(part)
    return found.hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Run; see the module."""
    if len(arguments) != _ARGUMENTS:
        sys.stderr.write("expected BUNDLE SHOWN SAVED DIGEST\n")
        return 2
    bundle, shown, saved = (Path(each) for each in arguments[:3])
    try:
        compare(bundle.read_bytes(), shown.read_bytes(), saved, arguments[3])
    except (ApprovalError, OSError) as error:
        sys.stderr.write(f"not the approved plan: {error}\n")
        return 1
    sys.stdout.write(f"the approved plan: {arguments[3]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
