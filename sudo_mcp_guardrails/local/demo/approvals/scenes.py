"""Play each row around approvals against the deployed workflow, and look at what is recorded of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.approvals.page import Begun
from sudo_mcp_guardrails.local.approvals.people import AUDIENCE
from sudo_mcp_guardrails.local.approvals.site import SiteError
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION
from sudo_mcp_guardrails.local.demo.approvals.quorums import LATE_SECONDS
from sudo_mcp_guardrails.local.demo.approvals.rows import AGENT, APPLY, BROKER, EXECUTION
from sudo_mcp_guardrails.local.demo.approvals.stage import ALLOW, DENY, Seen, Stage, error_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.approvals.page import Answer
    from sudo_mcp_guardrails.local.demo.play import Play

HOUR: Final = 3600
_OK: Final = 200
_FORBIDDEN: Final = 403
_CONFLICT: Final = 409
_GONE: Final = 410
_ATTEMPTS: Final = 3
"""Of the row that is about being late, on a machine that is busy."""


@dataclass
class Scenes(Stage):
    """Plays the rows; see :class:`Stage` for its arguments."""

    _late: Begun | None = None
    _late_at: float = 0.0
    _spent: str = ""

    def prepare(self) -> None:
        """Propose what the rows are about: that to be late last, when the functions are warm.

        Raises:
            SiteError: Something is not taken.
        """
        self._propose("swapped", form="cloudformation-change-set", changeSet=self._change_set("left", f"{AGENT}-left"))
        self._propose("changed", **self._calls("CreateQueue", {"QueueName": f"{AGENT}-pears"}, "demo-pears"))
        # The page's function too.
        self.site.page.look(self.site.page.token(self._person("alice")), self.ids["changed"])
        for attempt in range(_ATTEMPTS):
            if self._begin_late(f"demo-late-{attempt}"):
                return
        raise SiteError(f"nobody began to decide within the {LATE_SECONDS} s that a request lives, {_ATTEMPTS} times")

    def _begin_late(self, token: str) -> bool:
        """Begin a decision that is sent when it is too late; return whether there was time to begin it at all."""
        url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{AGENT}-jobs"
        self._propose("late", **self._calls("PurgeQueue", {"QueueUrl": url}, token))
        begun = self.site.page.begin(self._person("alice"), self.ids["late"])
        if not isinstance(begun, Begun):
            if begun.status in {_CONFLICT, _GONE}:
                return False
            raise SiteError(f"the page does not let alice begin to decide: {begun.text}")
        self._late, self._late_at = begun, time.monotonic()
        return True

    def play(self, play: Play) -> Seen:
        """Play one row; what went wrong beside the question comes as an answer that tells nothing."""
        rows: dict[str, Callable[[], Seen]] = {
            "approval-propose": self._proposes,
            "approval-own-request": self._own_request,
            "approval-stale-sign-in": self._stale,
            "approval-bare-success": self._bare_success,
            "approval-carried-out": self._carried_out,
            "approval-callback-replayed": self._callback_replayed,
            "approval-token-replayed": self._token_replayed,
            "approval-swapped": self._swapped,
            "approval-plan-changed": self._plan_changed,
            "approval-plan-again": self._plan_again,
            "approval-late": self._too_late,
            "approval-assume-apply": lambda: self._assume(self._session("plan")),
            "approval-host-assumes-apply": lambda: self._assume(self.site.host()),
            "approval-read-tokens": self._read_tokens,
            "approval-read-history": self._read_history,
            "approval-answer-task": self._answer_task,
        }
        try:
            return rows[play.id]()
        except SiteError as error:
            return Seen(None, str(error), "")

    def _proposes(self) -> Seen:
        made = self._change_set("app", f"{AGENT}-jobs")
        approval = self._propose("app", form="cloudformation-change-set", changeSet=made)
        [first] = [record for record in self.site.records(approval) if record.kind == "request"]
        return Seen(ALLOW, approval, f"chain {approval}: request of class {first.body['risk']}")

    def _own_request(self) -> Seen:
        return self._does_not_count(self.site.page.decide(self._person("rita"), self.ids["swapped"]), "rita")

    def _stale(self) -> Seen:
        begun = self.site.page.begin(self._person("alice"), self.ids["swapped"])
        if not isinstance(begun, Begun):
            return Seen(None, begun.text, "")
        old = self.site.provider.issue(
            begun.person, AUDIENCE, auth_time=time.time() - HOUR, claims={"nonce": begun.challenge}
        )
        return self._does_not_count(self.site.page.finish(begun, old), "alice")

    def _does_not_count(self, answer: Answer, person: str) -> Seen:
        """Return that a decision was refused, where the chain has it and it did not count."""
        approval = self.ids["swapped"]
        found = [
            one.number for one in self.site.records(approval) if one.kind == "decision" and one.who.endswith(person)
        ]
        refused = answer.status == _FORBIDDEN and bool(found)
        recorded = f"chain {approval}: decision {found[-1]} of {person}, which does not count" if found else ""
        return Seen(DENY if refused else None, answer.text, recorded)

    def _bare_success(self) -> Seen:
        return self._forged({"approved": True})

    def _callback_replayed(self) -> Seen:
        """Take a true callback out of the history of an execution, and send it to another one."""
        arn = self.site.execution(self.ids["app"])["executionArn"]
        history = self.site.of("stepfunctions").get_execution_history(executionArn=arn, maxResults=1000)["events"]
        outputs = [str(each.get("taskSucceededEventDetails", {}).get("output", "")) for each in history]
        true = [found for found in map(_parsed, outputs) if isinstance(found, dict) and "signature" in found]
        if not true:
            raise SiteError("the history has no callback, expected the one by which people ended the wait")
        return self._forged(true[-1])

    def _forged(self, told: dict[str, Any]) -> Seen:
        """End the wait of an approval by something that the API function did not send for it."""
        approval = self.ids["swapped"]
        before = len(self._of_kind(approval, "forged-callback"))
        token = self.site.task_token(approval)
        self.site.of("stepfunctions").send_task_success(taskToken=token, output=json.dumps(told))
        self.site.wait(approval, lambda: len(self._of_kind(approval, "forged-callback")) > before, "it is recorded")
        # The workflow waits again, with another token.
        self.site.wait(approval, lambda: self.site.task_token(approval) != token, "people are waited for again")
        record = self._of_kind(approval, "forged-callback")[-1]
        begun = bool(self._of_kind(approval, "execution"))
        reason = str(record.body["reason"])
        return Seen(ALLOW if begun else DENY, reason, f"chain {approval}: forged-callback {record.number}")

    def _carried_out(self) -> Seen:
        approval = self.ids["app"]
        self._spent = self.site.task_token(approval) or ""
        answers = [self.site.page.decide(self._person(name), approval) for name in ("alice", "bob")]
        if any(answer.status != _OK for answer in answers):
            return Seen(None, "; ".join(answer.text for answer in answers), "")
        kinds = self.site.ended(approval)
        ends = self._of_kind(approval, "outcome")
        outcome = str(ends[-1].body["outcome"]) if ends else "none"
        stack = self.site.of("cloudformation").describe_stacks(StackName=f"{AGENT}-app")["Stacks"][0]
        there = outcome == "executed" and f"{AGENT}-jobs" in self._queues() and stack.get("RoleARN") == EXECUTION
        return Seen(ALLOW if there else None, f"{outcome}, under {stack.get('RoleARN')}", f"chain {approval}: {kinds}")

    def _token_replayed(self) -> Seen:
        error = error_of(lambda: self.site.of("stepfunctions").send_task_success(taskToken=self._spent, output="{}"))
        recorded = self._in_trail("SendTaskSuccess", error, ":root")
        runs = len(self._of_kind(self.ids["app"], "execution"))
        refused = error == "TaskTimedOut" and runs == 1 and recorded
        return Seen(DENY if refused else None, f"{error}; {runs} execution", recorded)

    def _swapped(self) -> Seen:
        """Replace the change set when it is approved already; the broker is kept busy so long, as AWS keeps it."""
        approval, functions, held = self.ids["swapped"], self.site.of("lambda"), {"FunctionName": BROKER}
        functions.put_function_concurrency(**held, ReservedConcurrentExecutions=0)
        try:
            answers = [self.site.page.decide(self._person(name), approval) for name in ("alice", "bob")]
            state = str(answers[-1].body.get("status", {}).get("state"))
            self.site.of("cloudformation").delete_change_set(StackName=f"{AGENT}-left", ChangeSetName="demo")
            self._change_set("left", f"{AGENT}-lefs")
        finally:
            functions.delete_function_concurrency(**held)
        if state != "approved":
            return Seen(None, "; ".join(answer.text for answer in answers), "")
        kinds = self.site.ended(approval)
        records = self._of_kind(approval, "deviation")
        made = {f"{AGENT}-left", f"{AGENT}-lefs"} & self._queues()
        refused = bool(records) and "execution" not in kinds.split(", ") and not made
        because = str(records[-1].body.get("reason") or records[-1].body) if records else kinds
        return Seen(DENY if refused else None, because, f"chain {approval}: {kinds}")

    def _plan_changed(self) -> Seen:
        approval = self.ids["changed"]
        first = self.site.page.decide(self._person("alice"), approval)
        s3, place = (
            self.site.of("s3"),
            {"Bucket": self.site.outputs["EvidenceBucket"], "Key": f"plans/{AGENT}/{approval}/bundle.json"},
        )
        stored = s3.get_object(**place)["Body"].read()
        s3.put_object(**place, Body=stored.replace(b"-pears", b"-bears"))
        second = self.site.page.decide(self._person("bob"), approval)
        kinds = self.site.ended(approval) if second.status == _OK else ""
        made = {f"{AGENT}-pears", f"{AGENT}-bears"} & self._queues()
        fine = f"{AGENT}-bears" not in made and first.status == _OK
        what = f"what ran is what was approved: {', '.join(made)}" if made else second.text
        return Seen(DENY if fine and kinds else None, what, f"chain {approval}: {kinds}")

    def _plan_again(self) -> Seen:
        changed = self._calls("CreateQueue", {"QueueName": f"{AGENT}-bears"}, "demo-pears")
        status, body = self.site.propose(self._session("plan"), {"environment": "sandbox", **changed})
        run = str(self.site.records(self.ids["changed"])[0].body["requester"]["run"])
        refused = [record for record in self.site.records(f"intake/{run}") if record.kind == "refused"]
        recorded = f"chain intake/{run}: refused {refused[-1].number}" if refused else ""
        return Seen(DENY if status == _CONFLICT and refused else None, f"{status}: {body.get('error')}", recorded)

    def _too_late(self) -> Seen:
        approval, begun = self.ids["late"], self._late
        if begun is None:
            raise SiteError("nothing was begun to be decided")
        time.sleep(max(0.0, self._late_at + LATE_SECONDS + 1 - time.monotonic()))
        answer = self.site.page.finish(begun)
        kinds = self.site.ended(approval)
        known = kinds.split(", ")
        refused = answer.status == _GONE and "decision" in known and "execution" not in known
        return Seen(DENY if refused else None, answer.text, f"chain {approval}: {kinds}")

    def _assume(self, session: Any) -> Seen:  # noqa: ANN401 - boto3 has no types
        sts = self.site.of("sts", session)
        return self._denied(session, lambda: sts.assume_role(RoleArn=APPLY, RoleSessionName="me"), "AssumeRole")

    def _read_tokens(self) -> Seen:
        session, key = self._session("read"), {"approval": {"S": self.ids["app"]}}
        dynamodb, table = self.site.of("dynamodb", session), self.site.outputs["TokensTable"]
        error = error_of(lambda: dynamodb.get_item(TableName=table, Key=key))
        # It is a data event, which CloudTrail has only where a trail asks for it, and LookupEvents never.
        said = DENY if error.startswith("AccessDenied") else None if error else ALLOW
        return Seen(said, error, "nowhere: a read of an item is a data event, which this account's trail does not take")

    def _read_history(self) -> Seen:
        session = self._session("read")
        states, arn = self.site.of("stepfunctions", session), self.site.execution(self.ids["app"])["executionArn"]
        return self._denied(session, lambda: states.get_execution_history(executionArn=arn), "GetExecutionHistory")

    def _answer_task(self) -> Seen:
        session = self._session("plan")
        states = self.site.of("stepfunctions", session)
        answer = {"taskToken": self._spent, "output": "{}"}
        return self._denied(session, lambda: states.send_task_success(**answer), "SendTaskSuccess")


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except ValueError:
        return None
