"""Plays in which the deployment itself changes. Each of them is one chapter: they go in order."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.moments import moment
from tests.local.approvals.plan_plays import _approved_by_two
from tests.local.approvals.site import queue_template, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.approvals.site import Site

ROLE = "mcp-guardrails-approval-workflow"
FREEZE = 90
"""Seconds, of which a deployment and an approval on a busy machine take most."""


def a_notice_that_is_lost(site: Site) -> None:
    iam = site.client("iam")
    deny = {"Effect": "Deny", "Action": "events:PutEvents", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=ROLE, PolicyName="broken", PolicyDocument=document)
    approval = site.agent().calls("untold")
    site.waits(approval)  # people are waited for all the same: the page shows what is open
    assert site.told(approval) == []
    assert "notified" not in site.kinds(approval)
    iam.delete_role_policy(RoleName=ROLE, PolicyName="broken")
    site.waits(approval, times=2)
    until(lambda: site.told(approval))
    assert site.person("alice").decide(approval)[0] == 200
    assert site.ended(approval) == "Executed"


def the_table_of_tokens_takes_none(site: Site) -> None:
    """Without a token nobody calls back; the approval is looked at after the time, and nobody is called a forger."""
    iam = site.client("iam")
    deny = {"Effect": "Deny", "Action": "dynamodb:UpdateItem", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=ROLE, PolicyName="broken", PolicyDocument=document)
    approval = site.agent().calls("without-a-token")
    until(lambda: "WaitAnyway" in site.states(approval))
    assert site.token(approval) == ""
    iam.delete_role_policy(RoleName=ROLE, PolicyName="broken")
    assert site.person("alice").decide(approval)[0] == 200
    assert site.ended(approval, 90) == "Executed"
    assert "forged-callback" not in site.kinds(approval)


def an_execution_that_runs_too_long(site: Site) -> None:
    """Eight hours are taken for over as soon as it runs."""
    agent = site.agent()
    arn = agent.change_set("release-bot-slow", queue_template("slow"))
    with _definition(site, lambda text: text.replace(str(8 * 3600 * 1000), "0")):
        approval = site.approval_of(agent, "runs-too-long")
        answer = {"running": True, "execution": f"exe-{approval}", "outcome": "", "detail": "", "poll": {}}
        site.fault("broker", "poll", approval, answer=answer)
        agent.propose(form="cloudformation-change-set", changeSet=arn, token="runs-too-long")
        _approved_by_two(site, approval)
        assert site.ended(approval) == "WorkflowFailed"
    assert "RunsTooLong" in site.states(approval)
    (outcome,) = [record.body for record in site.chain(approval) if record.kind == "outcome"]
    assert "its result is not known" in outcome["detail"]


def the_policy_changes(site: Site) -> None:
    agent = site.agent()
    waiting, seen = agent.calls("before-the-policy"), agent.calls("before-the-policy-2")
    site.waits(waiting)
    site.waits(seen)
    decisions = {approval: site.person("alice").decision(approval) for approval in (waiting, seen)}
    site.deploy(frozen_until=int(time.time()) + FREEZE)
    for approval, decision in decisions.items():
        assert site.person("alice").click(approval, decision)[0] == 409
        assert site.ended(approval) == "Ended"
    for approval in (waiting, seen):
        (status,) = [each for each in site.page_rows() if each["approval"] == approval]
        assert status["state"] == "refused", status


def changes_are_frozen_for_a_while(site: Site) -> None:
    assert time.time() < site.spec.frozen_until - 3, "the machine is too slow for the freeze of this test"
    approval = site.agent().calls("in-a-freeze", environment="staging")
    site.waits(approval)
    status, body = site.person("alice").decide(approval)
    assert (status, body["status"]["state"]) == (200, "approved"), body
    until(lambda: "Calendar" in site.states(approval))
    assert "release-bot-in-a-freeze" not in site.queues()
    assert site.ended(approval) == "Executed"
    (started,) = [record.body for record in site.chain(approval) if record.kind == "execution"]
    assert moment(started["time"]) >= site.spec.frozen_until


class _definition:  # noqa: N801 - it is used as a statement
    """The workflow with another definition, for executions that are started meanwhile."""

    def __init__(self, site: Site, change: Callable[[str], str]) -> None:
        self._site, self._change = site, change
        self._before: Any = None

    def __enter__(self) -> None:
        client, arn = self._site.client("stepfunctions"), self._site.outputs["Machine"]
        self._before = client.describe_state_machine(stateMachineArn=arn)["definition"]
        changed = self._change(self._before)
        assert changed != self._before
        client.update_state_machine(stateMachineArn=arn, definition=changed)

    def __exit__(self, *_: object) -> None:
        client, arn = self._site.client("stepfunctions"), self._site.outputs["Machine"]
        client.update_state_machine(stateMachineArn=arn, definition=self._before)


CHAPTERS: tuple[Callable[[Site], None], ...] = (
    a_notice_that_is_lost,
    the_table_of_tokens_takes_none,
    an_execution_that_runs_too_long,
    the_policy_changes,
    changes_are_frozen_for_a_while,
)
