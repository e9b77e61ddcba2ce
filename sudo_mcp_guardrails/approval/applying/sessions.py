"""Sessions of an agent's apply role: for reading alone, or for one part of one approved plan.

The role's trust policy lets the broker alone assume it, and asks for the run as SourceIdentity and for all six tags
(:mod:`~sudo_mcp_guardrails.policies.trust`). Credentials stay in here: nothing returns, logs or stores them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from sudo_mcp_guardrails.approval.applying.refusal import AgentContained, ApplyRefused
from sudo_mcp_guardrails.approval.session_policy import SESSION_POLICY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.approval.deciding.request import Requester
    from sudo_mcp_guardrails.approval.session_policy import SessionPolicy
    from sudo_mcp_guardrails.state.kill_switch import Verdict

READ_SECONDS: Final = 900
APPLY_SECONDS: Final = 3600
"""Longest session of a role that was assumed by another role's session (IAM user guide, "Role chaining")."""
READING_DIGEST: Final = "sha256-reading"
"""The ``plan-digest`` of a session that reads before there is a plan: no digest, and no session that writes has it."""
READS: Final = (
    *("cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"),
    *("cloudformation:GetResource", "cloudformation:GetResourceRequestStatus", "cloudformation:GetTemplate"),
    *("cloudformation:ListExports", "codebuild:BatchGetBuilds", "ecr:DescribeImages"),
    *("lambda:GetFunctionConfiguration", "s3:GetObject", "s3:GetObjectVersion", "secretsmanager:DescribeSecret"),
    "ssm:DescribeParameters",
)
"""What a session for reading may do, as far as the role may do it: no value of a secret or a parameter is among it."""
_READ_POLICY: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(READS), "Resource": "*"}]},
    separators=(",", ":"),
)
_NO_TAG_VALUE: Final = re.compile(r"[^A-Za-z0-9_.:/=+@-]")
_LONGEST_TAG_VALUE: Final = 256
_RUN: Final = re.compile(r"run-[0-9A-Z]{26}")


class MakesClient(Protocol):
    """Makes a client of boto3 from a session's credentials."""

    def __call__(self, service: str, region: str, credentials: Mapping[str, str], *, once: bool) -> Any:  # noqa: ANN401
        """Return a client.

        Args:
            service: As SDKs call it.
            region: Of its endpoint.
            credentials: ``AccessKeyId``, ``SecretAccessKey`` and ``SessionToken``.
            once: Whether no call is ever repeated by the client itself.
        """


@dataclass(frozen=True)
class Asker:
    """For whom, and where, a session is.

    Attributes:
        requester: The agent, its run and the person behind it.
        ticket: The reason that people gave.
        account: Of the role, 12 digits.
        region: That is worked in.
    """

    requester: Requester
    ticket: str
    account: str
    region: str


class Session:
    """Clients of one session; it cannot be printed or written."""

    def __init__(self, role: str, credentials: Mapping[str, str], make: MakesClient, region: str) -> None:
        self.role = role
        self._credentials = credentials
        self._make = make
        self._region = region
        self._clients: dict[tuple[str, str, bool], Any] = {}

    def client(self, service: str, region: str = "", *, once: bool = False) -> Any:  # noqa: ANN401 - of boto3
        """Return a client of the session.

        Args:
            service: As SDKs call it.
            region: Default: where is worked.
            once: No retries, for what writes.
        """
        key = (service, region or self._region, once)
        if key not in self._clients:
            self._clients[key] = self._make(*key[:2], self._credentials, once=once)
        return self._clients[key]

    def __repr__(self) -> str:
        return f"Session({self.role!r})"

    def __reduce__(self) -> NoReturn:
        message = "a session is not written anywhere"
        raise TypeError(message)


class Sessions:
    """Assumes the apply roles.

    Args:
        sts: boto3's client of STS, as the broker's role.
        make: Makes clients of a session.
        partition: Of the roles' ARNs.
        prefix: Of the guardrails' names.
        allows: Asks the kill switch about an agent, each time. Default: there is none.
    """

    def __init__(
        self,
        sts: Any,  # noqa: ANN401 - of boto3
        make: MakesClient,
        *,
        partition: str,
        prefix: str,
        allows: Callable[[str], Verdict] | None = None,
    ) -> None:
        self._allows = allows
        self._sts = sts
        self._make = make
        self._partition = partition
        self._prefix = prefix

    def role_arn(self, account: str, agent: str, kind: str) -> str:
        """Return the ARN of one of an agent's roles."""
        return f"arn:{self._partition}:iam::{account}:role/{self._prefix}/agents/{agent}/{self._prefix}-{agent}-{kind}"

    def check(self, agent: str) -> None:
        """Ask the kill switch.

        Raises:
            AgentContained: It contains the agent, or cannot be read.
        """
        verdict = self._allows(agent) if self._allows is not None else None
        if verdict is not None and not verdict.allowed:
            raise AgentContained(f"the kill switch stops agent {agent!r}: {verdict.reason}")

    def reading(self, asker: Asker) -> Session:
        """Return a session that reads.

        Raises:
            ApplyRefused: The account or the run is none.
            Exception: What STS answers.
        """
        return self._assumed(asker, READING_DIGEST, _READ_POLICY, READ_SECONDS)

    def applying(self, asker: Asker, plan_digest: str, policy: SessionPolicy) -> Session:
        """Return the session that may carry out some changes of a plan and nothing else; raises as :meth:`reading`.

        Args:
            asker: For whom.
            plan_digest: Of the approved plan.
            policy: Of :func:`~sudo_mcp_guardrails.approval.session_policy.session_plan`.

        Raises:
            AgentContained: The kill switch contains the agent, or cannot be read.
        """
        self.check(asker.requester.agent)
        if len(policy.json) > SESSION_POLICY_LIMIT:
            raise ApplyRefused(f"session policy has {len(policy.json)} characters, allowed are {SESSION_POLICY_LIMIT}")
        return self._assumed(asker, f"sha256-{plan_digest}", policy.json, APPLY_SECONDS)

    def _assumed(self, asker: Asker, digest: str, policy: str, seconds: int) -> Session:
        requester = asker.requester
        if not asker.account:
            raise ApplyRefused(
                "the plan names no account, or several, expected one: a session is of one account's role"
            )
        if not _RUN.fullmatch(requester.run):
            raise ApplyRefused(f"run {requester.run!r} is none, expected run- and 26 characters")
        role = self.role_arn(asker.account, requester.agent, "apply")
        tags = {
            "agent": requester.agent,
            "run": requester.run,
            "ticket": _tag(asker.ticket),
            "capability": "apply",
            "plan-digest": digest,
            "caller": _tag(requester.person),
        }
        credentials = self._sts.assume_role(
            RoleArn=role,
            RoleSessionName=requester.run,
            SourceIdentity=requester.run,
            DurationSeconds=seconds,
            Policy=policy,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )["Credentials"]
        kept = {name: str(credentials[name]) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
        return Session(role, kept, self._make, asker.region)


def _tag(value: str) -> str:
    return _NO_TAG_VALUE.sub("_", value)[:_LONGEST_TAG_VALUE]
