"""A proposal: what an agent asks for, checked, stored, and handed to the workflow."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import ApprovalError, EvidenceError
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.store import saved_plan
from sudo_mcp_guardrails.approval.store.aws import code_of
from sudo_mcp_guardrails.approval.store.bundle import Bundle
from sudo_mcp_guardrails.approval.store.plan_keys import plan_key
from sudo_mcp_guardrails.approval.store.steps import line

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import AgentEnvironment
    from sudo_mcp_guardrails.approval.store.settings import AgentSettings
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace
    from sudo_mcp_guardrails.state.runs import Run

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHANGE_SET: Final = re.compile(
    r"arn:[a-z-]+:cloudformation:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):changeSet/[A-Za-z0-9][A-Za-z0-9-]{0,127}/"
    r"[0-9a-f-]{36}",
    re.ASCII,
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ALLOWED: Final = frozenset(
    {"environment", "account", "region", "form", "changeSet", "data", "known", "savedPlan", "token"}
)
_KNOWN: Final = frozenset({"target", "artifact", "options", "parameters"})
"""What an agent may say beside its plan: how it is to be carried out. What is there now, and what lies outside, is
never its word alone."""
_STARTED: Final = "ExecutionAlreadyExists"


class Refusal(Exception):  # noqa: N818 - it is an answer and not a failure
    """A request that is not taken, with the HTTP status and the reason for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Caller:
    """Who calls: an agent's plan session, and who is behind it.

    Attributes:
        run: as the registry has it.
        settings: of its agent.
    """

    run: Run
    settings: AgentSettings


def proposed(place: Workplace, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Take in a plan, and start its workflow.

    Args:
        place: settings and stores.
        caller: who asks.
        body: of the request.

    Returns:
        The approval's id, its state, and where people see it.

    Raises:
        Refusal: it is none that is taken.
    """
    unknown = set(body) - _ALLOWED
    if unknown:
        raise Refusal(400, f"the body has {min(unknown)[:40]!r}, allowed are {', '.join(sorted(_ALLOWED))}")
    environment, account, region = _where(caller.settings, body)
    form = _form(body)
    approval = _approval_id(caller.run.id, body.get("token"))
    known = place.index.get(approval)
    if known is not None and known.agent != caller.run.agent:
        raise Refusal(409, f"approval {approval!r} is another agent's")
    saved = _saved(form, body)
    bundle = None if form is Form.CHANGE_SET else _bundle(form, body, account, region, saved)
    change_set = _change_set(body, account, region) if bundle is None else None
    if known is None:
        asked = _input(place, caller, approval, environment.name, account, region, form, change_set)
        asked["source"] = _stored(place, caller.run.agent, approval, bundle) if bundle else None
        if saved is not None:
            saved_plan.keep(place.clients.s3, place.bucket, caller.run.agent, approval, saved)
        what = f"{form.value} of {caller.run.agent} in {environment.name} ({caller.run.ticket})"
        place.index.receive(
            approval,
            agent=caller.run.agent,
            environment=environment.name,
            created=place.now(),
            text=json.dumps(asked, sort_keys=True),
            summary=line(what),
        )
        known = place.index.get(approval)
    if known is None:
        raise EvidenceError(f"approval {approval!r} was written down and is not there")
    _check_same(known.input, bundle, change_set)
    try:
        place.clients.stepfunctions.start_execution(
            stateMachineArn=place.environ["STATE_MACHINE"], name=approval, input=known.input
        )
    except Exception as error:
        # A second start of one name and input gives the same execution while it runs, and this error afterwards.
        if code_of(error) != _STARTED:
            raise
    page = place.environ.get("PAGE_URL", "")
    return {"approval": approval, "state": known.state, "url": f"{page}#/approvals/{approval}" if page else ""}


def _where(settings: AgentSettings, body: dict[str, Any]) -> tuple[AgentEnvironment, str, str]:
    environment = settings.environment(str(body.get("environment", "")))
    if environment is None:
        allowed = ", ".join(one.name for one in settings.environments)
        raise Refusal(400, f"environment {str(body.get('environment'))[:40]!r} is not the agent's, allowed: {allowed}")
    found = []
    for name, allowed_ones in (("account", environment.accounts), ("region", environment.regions)):
        value = body.get(name, allowed_ones[0] if len(allowed_ones) == 1 else None)
        if value not in allowed_ones:
            allowed = ", ".join(allowed_ones)
            raise Refusal(400, f"{name} {str(value)[:40]!r} is none of {environment.name!r}, allowed: {allowed}")
        found.append(str(value))
    return environment, found[0], found[1]


def _form(body: dict[str, Any]) -> Form:
    allowed = [form.value for form in Form if form is not Form.TEMPLATE]
    if body.get("form") not in allowed:
        # A template alone is not carried out: its change set is, whose content CloudFormation fixes.
        raise Refusal(400, f"form {str(body.get('form'))[:40]!r} is not taken, allowed: {', '.join(allowed)}")
    return Form(body["form"])


def _saved(form: Form, body: dict[str, Any]) -> bytes | None:
    """Return the saved plan file of Terraform; None for another form, which takes none."""
    if form is not Form.TERRAFORM:
        if "savedPlan" in body:
            raise Refusal(400, f"form {form.value!r} takes no savedPlan, which is a file of {Form.TERRAFORM.value!r}")
        return None
    try:
        return saved_plan.decoded(body.get("savedPlan"))
    except ApprovalError as error:
        raise Refusal(400, line(error)) from None


def _bundle(form: Form, body: dict[str, Any], account: str, region: str, saved: bytes | None) -> Bundle:
    known = body.get("known", {})
    if not isinstance(known, dict) or set(known) - _KNOWN:
        raise Refusal(400, f"known must be an object of {', '.join(sorted(_KNOWN))}, and nothing else")
    if saved is not None:
        known = _of_saved(known, saved)
    if "data" not in body or "changeSet" in body:
        raise Refusal(400, f"form {form.value!r} takes the plan as data, and no changeSet")
    try:
        bundle = Bundle(form, body["data"], {**known, "account": account, "region": region})
        bundle.plan()
    except ApprovalError as error:
        raise Refusal(400, f"the plan cannot be read: {line(error)}") from None
    return bundle


def _of_saved(known: dict[str, Any], saved: bytes) -> dict[str, Any]:
    """Return what is known with the hash of the file that came: what an agent says of its file is compared with it."""
    digest = saved_plan.digest_of(saved)
    if known.get("artifact", digest) != digest:
        raise Refusal(
            400, f"artifact {str(known['artifact'])[:80]!r} is not the savedPlan's SHA-256, expected {digest}"
        )
    options = known.get("options", {})
    if isinstance(options, dict) and set(options) & set(saved_plan.PLACE):
        raise Refusal(400, f"options {' and '.join(saved_plan.PLACE)} are not taken, the file comes as savedPlan")
    return {**known, "artifact": digest}


def _change_set(body: dict[str, Any], account: str, region: str) -> str:
    arn = body.get("changeSet")
    found = _CHANGE_SET.fullmatch(arn) if isinstance(arn, str) else None
    if found is None or (found["account"], found["region"]) != (account, region) or "data" in body:
        raise Refusal(400, f"changeSet must be the ARN of a change set in {account} and {region}, without data")
    return str(arn)


def _approval_id(run: str, token: object) -> str:
    """Return a fresh id, or the one that belongs to a run's token."""
    if token is None:
        number = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    elif isinstance(token, str) and _TOKEN.fullmatch(token):
        number = int.from_bytes(hashlib.sha256(f"approval\n{run}\n{token}".encode()).digest()[:16], "big")
    else:
        raise Refusal(400, "token must have 8 to 64 letters, digits, '_' and '-'")
    return "apr-" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def _input(  # noqa: PLR0917 - the fields of one document
    place: Workplace,
    caller: Caller,
    approval: str,
    environment: str,
    account: str,
    region: str,
    form: Form,
    change_set: str | None,
) -> dict[str, Any]:
    run = caller.run
    return {
        "approval": approval,
        "requester": {"agent": run.agent, "run": run.id, "person": run.caller, "owner": caller.settings.owner},
        "ticket": run.ticket,
        "environment": environment,
        "account": account,
        "region": region,
        "form": form.value,
        "source": None,
        "changeSet": change_set,
        "fingerprint": place.settings.fingerprints.get(run.agent, ""),
        "created": written(place.now()),
    }


def _stored(place: Workplace, agent: str, approval: str, bundle: Bundle) -> dict[str, str]:
    """Store what the agent submitted, and return where."""
    key = plan_key(agent, approval, "submitted.json")
    answer = place.clients.s3.put_object(
        Bucket=place.bucket,
        Key=key,
        Body=bundle.to_json(),
        ContentType="application/json",
        ChecksumAlgorithm="SHA256",
    )
    return {"key": key, "version": str(answer.get("VersionId", "")), "digest": bundle.digest}


def _check_same(text: str, bundle: Bundle | None, change_set: str | None) -> None:
    """Refuse a token that was used for another plan."""
    asked = json.loads(text)
    source = asked.get("source") or {}
    if (source.get("digest"), asked.get("changeSet")) != (bundle.digest if bundle else None, change_set):
        raise Refusal(409, "the token was used for another plan, allowed is one plan for each")
