"""A bundle that an agent submitted: what it says of the world is looked up anew, and not believed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import is_missing
from sudo_mcp_guardrails.approval.applying.reading.versions import LookedUp
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.reading import Known, read_plan
from sudo_mcp_guardrails.approval.store.aws import MISSING, code_of
from sudo_mcp_guardrails.approval.store.bundle import MAX_BUNDLE, Bundle

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.applying.sessions import Session
    from sudo_mcp_guardrails.approval.store.asked import BundleRef

FORMS: Final = (Form.CLOUD_CONTROL, Form.TERRAFORM, Form.API_CALLS)
"""Forms that come as a bundle. A change set comes by its ARN, and a template is not carried out as such."""
_BELIEVED: Final = ("target", "artifact", "options")
"""What an agent says of its own plan. Nothing of it is a fact about what is there."""


def fetched(s3: Any, bucket: str, ref: BundleRef) -> Bundle:  # noqa: ANN401 - of boto3
    """Return a bundle from the bucket.

    Args:
        s3: boto3's client.
        bucket: Of the evidence.
        ref: Key, version and digest.

    Raises:
        ApplyRefused: It is not there, or another one is.
        PlanError: It is no bundle.
    """
    try:
        answer = s3.get_object(Bucket=bucket, Key=ref.key, VersionId=ref.version)
    except Exception as error:
        if code_of(error) not in MISSING:
            raise
        raise ApplyRefused(f"bundle {ref.key!r} is not there in version {ref.version!r}") from None
    body = answer["Body"].read(MAX_BUNDLE + 1)
    found = hashlib.sha256(body).hexdigest()
    if found != ref.digest:
        raise ApplyRefused(f"bundle {ref.key!r} has digest {found}, expected {ref.digest}")
    return Bundle.from_json(body)


def looked_up(session: Session, submitted: Bundle, *, account: str, region: str) -> Bundle:
    """Return a bundle with what is so now in the place of what its author says.

    Args:
        session: That may read.
        submitted: By the agent.
        account: Where it is carried out.
        region: Likewise.

    Raises:
        ApplyRefused: Its form is none that is submitted.
        PlanError: It is no plan, or is for another account or Region.
    """
    if submitted.form not in FORMS:
        allowed = ", ".join(form.value for form in FORMS)
        raise ApplyRefused(f"a plan of form {submitted.form.value} is not submitted as a bundle, allowed are {allowed}")
    known: dict[str, Any] = {name: submitted.known[name] for name in _BELIEVED if name in submitted.known}
    for name, value in (("account", account), ("region", region)):
        if submitted.known.get(name) not in (None, "", value):
            raise ApplyRefused(f"the plan is for {name} {submitted.known[name]!r}, expected {value!r}")
        known[name] = value
    if submitted.form is Form.CLOUD_CONTROL:
        properties = _properties(session, submitted.data)
        if properties is not None:
            known["properties"] = properties
    versions = LookedUp(session)
    read_plan(submitted.data, form=submitted.form, known=Known(**known, versions=versions))
    return Bundle(submitted.form, submitted.data, {**known, "versions": versions.found})


def _properties(session: Session, request: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the properties that a resource has now; None where there is none, or it cannot be looked up."""
    kind, identifier = (request.get(name) if isinstance(request, dict) else None for name in ("TypeName", "Identifier"))
    if not (isinstance(kind, str) and isinstance(identifier, str)):
        return None
    try:
        answer = session.client("cloudcontrol").get_resource(TypeName=kind, Identifier=identifier)
    except Exception as error:
        if not is_missing(error):
            raise
        return None
    return parsed(str(answer["ResourceDescription"]["Properties"]), "the current properties")
