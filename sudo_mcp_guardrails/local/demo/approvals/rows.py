"""What is played around approvals, in the order in which it is played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.local.approvals.people import HOST_ROLE
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, CHANGE_BOT, CHANGE_NAMES, REGION
from sudo_mcp_guardrails.local.demo.approvals.quorums import LATE_SECONDS
from sudo_mcp_guardrails.local.demo.plays.rows import play

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.demo.play import Play

AGENT: Final = CHANGE_BOT.name
_PREFIX: Final = CHANGE_NAMES.prefix
_ROLES: Final = f"arn:aws:iam::{ACCOUNT}:role{CHANGE_NAMES.role_path(AGENT)}"
EXECUTION: Final = f"{_ROLES}{CHANGE_NAMES.role_name(AGENT, 'execution')}"
"""The role that the agent's stacks are made with."""
APPLY: Final = f"{_ROLES}{CHANGE_NAMES.role_name(AGENT, 'apply')}"
HOST: Final = f"arn:aws:iam::{ACCOUNT}:role/{HOST_ROLE}"
BROKER: Final = f"{_PREFIX}-approval-broker"
"""The function that carries out what is approved."""
_INTAKE: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{_PREFIX}-approval-intake"
_EXECUTIONS: Final = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{_PREFIX}-approval:*"
_TOKENS: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{_PREFIX}-approval-tokens"
_KEYS: Final = {"sts:SourceIdentity": "run-01JDEM0000000000000000000A"}


def _people(name: str, verdict: str, title: str) -> Play:
    """Return a row that people or administrators play: no policy of IAM decides it, so the evaluator is not asked."""
    return play(name, AGENT, "people", verdict, "", "", "approvals.decide", title=title)


def _admin(name: str, title: str, call: str) -> Play:
    return play(name, AGENT, "admin", "deny", "", "", call, title=title)


PLAYS: Final = (
    play(
        "approval-propose",
        AGENT,
        "plan",
        "allow",
        "lambda:InvokeFunctionUrl",
        _INTAKE,
        "approvals.propose",
        title="proposes its change set for approval",
        context={"lambda:FunctionUrlAuthType": "AWS_IAM"},
    ),
    _people("approval-own-request", "deny", "the requester, who is in a group that decides, approves his own request"),
    _people("approval-stale-sign-in", "deny", "somebody approves with a sign-in that is an hour old"),
    _admin("approval-bare-success", "an administrator ends the wait by a bare task success", "approvals.callback"),
    _people("approval-carried-out", "allow", "two people approve; the change set runs under the pinned role"),
    _admin("approval-callback-replayed", "the callback of an approval is sent to another one", "approvals.callback"),
    _admin("approval-token-replayed", "a task token that is spent is sent again", "approvals.callback"),
    _admin("approval-swapped", "the change set is replaced after its approval, by one of a byte's difference",
           "approvals.swap"),
    _admin("approval-plan-changed", "after the first approval the stored plan gets a new version, one byte differs",
           "approvals.swap"),
    play("approval-plan-again", AGENT, "plan", "deny", "", "", "approvals.propose",
         title="proposes the plan again, with one byte changed"),
    _people("approval-late", "deny", f"people approve too late: after {LATE_SECONDS} s, which stand for two hours"),
    play("approval-assume-apply", AGENT, "plan", "deny", "sts:AssumeRole", APPLY, "sts.assume_role",
         title="assumes its apply role directly", context=_KEYS),
    play("approval-host-assumes-apply", AGENT, "host", "deny", "sts:AssumeRole", APPLY, "sts.assume_role",
         title="the agent's machine assumes the apply role", context=_KEYS),
    play("approval-read-tokens", AGENT, "read", "deny", "dynamodb:GetItem", _TOKENS, "dynamodb.get_item",
         title="reads the table of task tokens"),
    play("approval-read-history", AGENT, "read", "deny", "states:GetExecutionHistory", _EXECUTIONS,
         "stepfunctions.get_execution_history", title="reads the execution's history, for the token in it"),
    play("approval-answer-task", AGENT, "plan", "deny", "states:SendTaskSuccess", "*",
         "stepfunctions.send_task_success", title="ends the wait itself, with a token that it came by"),
)  # fmt: skip
