"""Mint one session of an agent, for a caller that AWS has verified.

Called through a function URL with IAM authentication: AWS checks the signature and puts the caller's ARN into the
event, where no caller can write. The request's body is ``{"agent", "capability", "ticket"}``; the answer is what
the ``credential_process`` of AWS SDKs expects, and the run id. Nothing secret is logged.

Where ``RUNS_TABLE`` names a table, each run is written down there before its session is minted, with the caller and the
ticket: who asks for an approval is found there (``state/runs.py`` reads what is written here). A run that cannot be
written down gets no session.

Where ``KILL_SWITCH_TABLE`` names a table, it is read each time: a contained agent gets no session, and nobody does
where it cannot be read.
"""

from __future__ import annotations

import base64
import fnmatch
import json
import logging
import os
import re
import secrets
import time
from typing import Any

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TICKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/=+@-]{0,63}")
_MAX_BODY = 4096
_NO_TAG_VALUE = re.compile(r"[^A-Za-z0-9_.:/=+@-]")
_LONGEST_TAG_VALUE = 256
_SLACK = 60
CAPABILITIES = ("read", "plan")

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


class Refusal(Exception):  # noqa: N818 - it is an answer and not a failure
    """A request that gets no session, with the HTTP status and the reason for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def handler(
    event: dict[str, Any],
    _context: object,
    sts: Any = None,  # noqa: ANN401 - a boto3 client
    dynamodb: Any = None,  # noqa: ANN401 - likewise
) -> dict[str, Any]:
    """Answer one request.

    Args:
        event: A function URL's event, payload format 2.0.
        sts: STS client; made when left out.
        dynamodb: DynamoDB client; made when left out, where there is a table of runs or a kill switch.
    """
    caller = "unknown"
    try:
        caller = _caller(event)
        agent, capability, ticket = _wish(event)
        _check(caller, agent, capability)
        _check_switch(caller, agent, dynamodb=dynamodb)
        run = run_id()
        _write_down(run, agent, capability, ticket, caller=caller, dynamodb=dynamodb)
        minted = _mint(agent, capability, ticket, run=run, caller=caller, sts=sts)
    except Refusal as refusal:
        _say("refused", caller=caller, reason=str(refusal))
        return _answer(refusal.status, {"error": str(refusal)})
    _say("minted", caller=caller, agent=agent, capability=capability, ticket=ticket, run=run)
    return _answer(200, {"Version": 1, **minted, "Run": run})


def run_id() -> str:
    """Return a fresh run id: ``run-`` and a ULID, 48 bits of milliseconds and 80 random bits."""
    number = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    return "run-" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def _caller(event: dict[str, Any]) -> str:
    """Return the ARN that AWS verified."""
    try:
        return str(event["requestContext"]["authorizer"]["iam"]["userArn"])
    except (KeyError, TypeError):
        raise Refusal(403, "the caller is not authenticated by IAM") from None


def _wish(event: dict[str, Any]) -> tuple[str, str, str]:
    """Read what is asked for."""
    text = event.get("body") or ""
    if len(text) > _MAX_BODY:
        raise Refusal(400, f"the body has {len(text)} characters, allowed are {_MAX_BODY}")
    try:
        body = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, RecursionError):  # the latter for thousands of open brackets
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict) or set(body) != {"agent", "capability", "ticket"}:
        raise Refusal(400, "the body must have agent, capability and ticket, and nothing else")
    agent, capability, ticket = (body[key] for key in ("agent", "capability", "ticket"))
    known = json.loads(os.environ["AGENTS"])
    if agent not in known:
        raise Refusal(400, f"agent {agent!r} is not known, allowed are {', '.join(known)}")
    if capability not in CAPABILITIES:
        raise Refusal(400, f"capability {capability!r} is not minted here, allowed are {', '.join(CAPABILITIES)}")
    if not isinstance(ticket, str) or not _TICKET.fullmatch(ticket):
        raise Refusal(400, "ticket must have 1 to 64 letters, digits and any of _.:/=+@-")
    return agent, capability, ticket


def _check(caller: str, agent: str, capability: str) -> None:
    """Refuse a caller that may not have sessions of this agent, or none of this capability."""
    for entry in json.loads(os.environ["CALLERS"]):
        known = fnmatch.fnmatchcase(caller, entry["pattern"].replace("[", "[[]"))
        own = not entry["agents"] or agent in entry["agents"]
        if known and own and capability in entry.get("capabilities", CAPABILITIES):
            return
    raise Refusal(403, f"{caller} may not have {capability} sessions of agent {agent!r}")


def _check_switch(
    caller: str,
    agent: str,
    *,
    dynamodb: Any,  # noqa: ANN401 - as above
) -> None:
    """Refuse a contained agent, where there is a kill switch; it is told nothing of why."""
    table = os.environ.get("KILL_SWITCH_TABLE")
    if table is None:
        return
    from sudo_mcp_guardrails.state.kill_switch import KillSwitch  # noqa: PLC0415 - in the asset where there is a switch

    if dynamodb is None:
        import boto3  # noqa: PLC0415 - as below

        dynamodb = boto3.client("dynamodb")
    verdict = KillSwitch.reading(dynamodb, table, os.environ["PREFIX"]).allows(agent)
    if not verdict.allowed:
        _say("contained", caller=caller, agent=agent, reason=verdict.reason, incident=verdict.incident)
        raise Refusal(403, f"agent {agent!r} gets no session now")


def _write_down(
    run: str,
    agent: str,
    capability: str,
    ticket: str,
    *,
    caller: str,
    dynamodb: Any,  # noqa: ANN401 - as above
) -> None:
    """Write a run into the registry, where there is one; what DynamoDB refuses mints nothing."""
    table = os.environ.get("RUNS_TABLE", "")
    if not table:
        return
    if dynamodb is None:
        import boto3  # noqa: PLC0415 - as below

        dynamodb = boto3.client("dynamodb")
    now = int(time.time())
    dynamodb.put_item(
        TableName=table,
        Item={
            "run": {"S": run},
            "agent": {"S": agent},
            "capability": {"S": capability},
            "caller": {"S": caller},
            "ticket": {"S": ticket},
            "created": {"N": str(now)},
            # The session begins a little later, and so ends a little later.
            "ends": {"N": str(now + int(os.environ["SESSION_SECONDS"]) + _SLACK)},
        },
        ConditionExpression="attribute_not_exists(#run)",
        ExpressionAttributeNames={"#run": "run"},
    )


def _mint(
    agent: str,
    capability: str,
    ticket: str,
    *,
    run: str,
    caller: str,
    sts: Any,  # noqa: ANN401 - as above
) -> dict[str, str]:
    """Assume the agent's role with the run id as SourceIdentity and the six tags."""
    if sts is None:
        import boto3  # noqa: PLC0415 - kept out of the import, so that refusals are tested without it

        sts = boto3.client("sts")
    prefix = os.environ["PREFIX"]
    path = f"{prefix}/agents/{agent}/{prefix}-{agent}-{capability}"
    role = f"arn:{os.environ['PARTITION']}:iam::{os.environ['ACCOUNT']}:role/{path}"
    tags = {
        "agent": agent,
        "run": run,
        "ticket": ticket,
        "capability": capability,
        "plan-digest": "none",
        # A session name may hold a comma, which the value of a tag may not.
        "caller": _NO_TAG_VALUE.sub("_", caller)[:_LONGEST_TAG_VALUE],
    }
    credentials = sts.assume_role(
        RoleArn=role,
        RoleSessionName=run,
        SourceIdentity=run,
        DurationSeconds=int(os.environ["SESSION_SECONDS"]),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )["Credentials"]
    return {
        "AccessKeyId": credentials["AccessKeyId"],
        "SecretAccessKey": credentials["SecretAccessKey"],
        "SessionToken": credentials["SessionToken"],
        "Expiration": credentials["Expiration"].isoformat(),
    }


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the function URL."""
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


def _say(outcome: str, **fields: str) -> None:
    """Write one line of the broker's log."""
    _log.info(json.dumps({"broker": outcome, **fields}))
