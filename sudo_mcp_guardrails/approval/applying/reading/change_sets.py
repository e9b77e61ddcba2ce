"""A change set as AWS has it now: all pages, the change sets of nested stacks, the template, and the role.

A change set never changes: what takes its place has another ARN. So it is read by its ARN alone.
Sources: CloudFormation API reference, ``DescribeChangeSet``, ``GetTemplate`` and ``DescribeStacks``. No answer says
under which role a change set works; the stack has the role that its change sets are made with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import is_missing, plain
from sudo_mcp_guardrails.approval.applying.reading.versions import LookedUp
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.reading import Known, read_plan
from sudo_mcp_guardrails.approval.store.aws import code_of
from sudo_mcp_guardrails.approval.store.bundle import Bundle

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.applying.sessions import Session

MAX_PAGES: Final = 500
MAX_CHANGE_SETS: Final = 200
"""Pages of one change set, and change sets of nested stacks."""
AVAILABLE: Final = "AVAILABLE"
_REVIEW: Final = "REVIEW_IN_PROGRESS"
_NO_CHANGE_SET: Final = frozenset({"ChangeSetNotFound", "ChangeSetNotFoundException"})


def read_change_set(session: Session, arn: str, *, account: str, region: str) -> Bundle:
    """Return what a change set's plan is read from.

    Args:
        session: That may read.
        arn: Of the change set.
        account: In which it must be.
        region: Likewise.

    Raises:
        ApplyRefused: It is not there any more, or cannot be executed.
        PlanError: It is no plan, or is another account's or Region's.
    """
    cloudformation = session.client("cloudformation", region)
    pages = described(cloudformation, arn)
    status = pages[0].get("ExecutionStatus")
    if status != AVAILABLE:
        raise ApplyRefused(f"change set {arn!r} has the execution status {status!r}, expected {AVAILABLE!r}")
    nested: dict[str, Any] = {}
    _read_nested(cloudformation, pages, nested)
    stack = _stack(cloudformation, str(pages[0].get("StackId") or ""))
    known: dict[str, Any] = {
        "account": account,
        "region": region,
        "nested": nested,
        "options": _options(pages[0], stack),
        **_templates(cloudformation, arn, stack),
    }
    versions = LookedUp(session)
    read_plan(pages, form=Form.CHANGE_SET, known=Known(**known, versions=versions))
    return Bundle(Form.CHANGE_SET, pages, {**known, "versions": versions.found})


def described(cloudformation: Any, arn: str) -> list[dict[str, Any]]:  # noqa: ANN401 - of boto3
    """Return all pages of a change set, as JSON.

    Raises:
        ApplyRefused: It is not there, or has too many pages.
    """
    pages: list[dict[str, Any]] = []
    options: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        try:
            answer = cloudformation.describe_change_set(ChangeSetName=arn, IncludePropertyValues=True, **options)
        except Exception as error:
            if code_of(error) not in _NO_CHANGE_SET:
                raise
            raise ApplyRefused(f"change set {arn!r} is not there any more") from None
        page = plain(answer)
        if page.get("ChangeSetId") != arn:
            raise ApplyRefused(f"change set {arn!r} is described as {page.get('ChangeSetId')!r}")
        pages.append(page)
        token = page.get("NextToken")
        if not token:
            return pages
        options = {"NextToken": token}
        page["NextToken"] = "more"  # the token itself is another one at each reading
    raise ApplyRefused(f"change set {arn!r} has more than {MAX_PAGES} pages")


def _read_nested(cloudformation: Any, pages: list[dict[str, Any]], found: dict[str, Any]) -> None:  # noqa: ANN401
    waiting = [pages]
    while waiting:
        for page in waiting.pop():
            for row in page.get("Changes", []):
                arn = row.get("ResourceChange", {}).get("ChangeSetId")
                if not arn or arn in found:
                    continue
                if len(found) == MAX_CHANGE_SETS:
                    raise ApplyRefused(f"the change set has more than {MAX_CHANGE_SETS} others in it")
                found[arn] = described(cloudformation, arn)
                waiting.append(found[arn])


def _stack(cloudformation: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - of boto3
    if not name:
        raise ApplyRefused("the change set names no stack")
    answer = plain(cloudformation.describe_stacks(StackName=name))
    stacks = answer.get("Stacks") or []
    if len(stacks) != 1:
        raise ApplyRefused(f"stack {name!r} is described {len(stacks)} times, expected once")
    found: dict[str, Any] = stacks[0]
    return found


def _options(page: dict[str, Any], stack: dict[str, Any]) -> dict[str, Any]:
    """Return how the change set is executed, which the digest covers."""
    role = str(stack.get("RoleARN") or "")
    options: dict[str, Any] = {"RoleARN": role}
    if not page.get("OnStackFailure"):  # else that says it, and ExecuteChangeSet takes nothing beside it
        options["DisableRollback"] = False
    return options


def _templates(cloudformation: Any, arn: str, stack: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - of boto3
    found: dict[str, Any] = {}
    processed = _template(cloudformation, ChangeSetName=arn, TemplateStage="Processed")
    if processed is not None:
        found["template"] = processed
    if stack.get("StackStatus") != _REVIEW:
        deployed = _template(cloudformation, StackName=str(stack.get("StackId")), TemplateStage="Original")
        if deployed is not None:
            found["deployed"] = deployed
        found["deployed_parameters"] = {
            str(item.get("ParameterKey")): item.get("ParameterValue") for item in stack.get("Parameters") or []
        }
    return found


def _template(cloudformation: Any, **options: str) -> dict[str, Any] | None:  # noqa: ANN401 - of boto3
    """Return a template; None where it is not for us, or in YAML, which nobody here reads."""
    try:
        body = plain(cloudformation.get_template(**options)).get("TemplateBody")
    except Exception as error:
        if not is_missing(error) and code_of(error) not in _NO_CHANGE_SET:
            raise
        return None
    if isinstance(body, str):
        try:
            body = parsed(body, "the template")
        except PlanError:
            return None
    return body if isinstance(body, dict) else None
