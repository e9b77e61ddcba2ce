"""Writes docs/risk.md from the rules themselves: ``python -m docs.risk``; a test says when to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sudo_mcp_guardrails.approval.risk import RiskLimits
from sudo_mcp_guardrails.approval.risk_rules import RULES
from sudo_mcp_guardrails.approval.risk_rules.context import MAX_RECENT, RiskContext
from sudo_mcp_guardrails.approval.risk_rules.types import known_types
from sudo_mcp_guardrails.approval.session.keys import bound_keys, tagging
from sudo_mcp_guardrails.approval.session_policy import MAX_SESSIONS, SESSION_POLICY_LIMIT

PAGE: Final = Path(__file__).with_suffix(".md")
_HEAD: Final = """# Risk and session policies

Written by `python -m docs.risk` from the rules themselves; a test fails when this page is not current, and runs its
Python.

## How dangerous a plan is

Every plan has a class, R0 to R4, and the reasons for it, worst first. The class is that of the worst reason: a rule
can raise it, and none can lower it. Whatever cannot be told is R3.

| class | means | by rule? |
|---|---|---|
| R0 | reads no secret and changes nothing | always |
| R1 | changes one thing that is easily put back, outside production | from tier T1 on |
| R2 | changes production, or several things | from tier T2 on |
| R3 | touches identity, exposure, or data that cannot be restored; or could not be told | never: a person decides |
| R4 | touches the guardrails, an approval, or the agent's own limits | never, and nobody can approve it |

```python
from sudo_mcp_guardrails import AgentEnvironment
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.risk import RiskContext, assess

sandbox = AgentEnvironment.sandbox("111111111111", regions=["eu-central-1"])
group = Change(
    Operation.CREATE, "AWS::EC2::SecurityGroup", "Web", after={{"SecurityGroupIngress": [{{"CidrIp": "0.0.0.0/0"}}]}}
)
found = assess(Plan(Form.CHANGE_SET, "bot-app", "111111111111", "eu-central-1", (group,)), RiskContext((sandbox,)))
assert found.risk.value == "R3"
assert found.reasons[0].where == "Web: SecurityGroupIngress.0.CidrIp"
assert found.reasons[0].text == "0.0.0.0/0 is open to the world"
```

### The rules

| rule | what it finds | classes |
|---|---|---|
{rules}

### What the numbers are

`RiskLimits` sets them. By default {several} changes, or {several} things that depend on what changes, are R2, and
{many} are R3. Earlier plans of the same agent count for {hours} hours: {plans} plans on connected things are R2,
{more_plans} are R3, and their changes are summed up by the numbers above. More than {recent} plans within the window
are R3 by themselves. {instances} machines of one change are R3.

Two plans are connected where they touch the same resource, bucket or stack, or where a third one connects them.

Tag values that mark data as needing care, on a tag such as `data-classification`: {classified}.

### Types of resources

The table has {types} types of CloudFormation and {terraform} of Terraform; any other is R3. What a type can be:

| trait | means | types |
|---|---|---|
{traits}

### What the rules do not see

- What code does: a function, an image or a script is pinned by version or hash, or the plan is R3, and nobody reads it.
- What a parameter of a call does that no rule names. A call has at least the class of its action.
- What a name means. That `prod-orders` is production follows from its account, not from its name.
- An overwritten object: `s3:PutObject` is a write like any other where the key exists already.
- A template's metadata where only the change set is at hand; give the template along.

## What a session may do

While a plan is carried out, the apply role works under a session policy that is made from that plan: its actions, on
its resources, under conditions on Region, account and every parameter that a condition key carries. STS takes
{limit} characters; what needs more is split into several sessions, up to {sessions}, in the order of the calls. The
project's prover shows of each that it reaches nothing else.

```python
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.session.proof import reach_beyond
from sudo_mcp_guardrails.approval.session_policy import ApplySettings, session_plan

queue = "arn:aws:sqs:eu-central-1:111111111111:bot-orders"
call = Change(
    Operation.CALL,
    "sqs:SetQueueAttributes",
    "1",
    after={{"Attributes": {{"DelaySeconds": "5"}}}},
    actions=("sqs:SetQueueAttributes",),
    resources=(queue,),
)
plan = Plan(Form.API_CALLS, "", "111111111111", "eu-central-1", (call,))
found = session_plan(plan, ApplySettings())
assert len(found.sessions) == 1
assert reach_beyond(found.sessions[0], plan, ApplySettings()) is None
assert found.limits[0] == "call 1, sqs:SetQueueAttributes: the values of Attributes"
```

| plan | the session may |
|---|---|
| change set | execute and describe that change set of that stack, describe the stack, pass the pinned execution role |
| Cloud Control request | make requests of that kind, ask for their state, pass the pinned execution role |
| Terraform plan | start builds of the pinned project, with the plan's digest and the plan file's SHA-256 as variables \
and no override that a condition key carries, and look at its builds |
| API calls | make these calls on these resources in these Regions |
| template | nothing: a change set is made of it first |

A change set that names another role than the pinned one is refused; so is one without a role, which would run as the
caller. `ExecuteChangeSet` itself carries no `cloudformation:RoleArn`: that key is bound where the change set is made.

What IAM cannot bind is listed with the approval (`SessionPlan.limits`): there the broker's second reading of the plan
is the only wall. Parameters that a condition binds:

| action | conditions |
|---|---|
{keys}

These carry their tags as conditions, and no others: {tags}.
"""


def page() -> str:
    """Return the page as Markdown."""
    limits, table = RiskLimits(), known_types()
    traits = {trait: sum(trait in each for each in table.cloudformation.values()) for trait in table.traits}
    return _HEAD.format(
        rules="\n".join(f"| `{r.id}` | {r.title} | {', '.join(risk.value for risk in r.risks)} |" for r in RULES),
        several=limits.several,
        many=limits.many,
        hours=f"{limits.window.total_seconds() / 3600:g}",
        plans=limits.plans,
        more_plans=3 * limits.plans,
        recent=f"{MAX_RECENT:,}",
        instances=limits.instances,
        classified=", ".join(f"`{each}`" for each in sorted(RiskContext(()).classified)),
        types=len(table.cloudformation),
        terraform=len(table.terraform),
        traits="\n".join(f"| `{trait}` | {text} | {traits[trait]} |" for trait, text in table.traits.items()),
        limit=f"{SESSION_POLICY_LIMIT:,}",
        sessions=MAX_SESSIONS,
        keys="\n".join(
            f"| `{action}` | {', '.join(f'`{key}` = `{name}`' for key, name in keys.items())} |"
            for action, keys in bound_keys().items()
        ),
        tags=", ".join(f"`{action}`" for action in tagging()),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
