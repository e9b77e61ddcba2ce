"""Plans from what tools write: :func:`read_plan`.

One module a form. A form that a file has is told by its members; a caller who expects one says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form, Plan
from sudo_mcp_guardrails.approval.reading.api_calls import read_api_calls
from sudo_mcp_guardrails.approval.reading.change_set import read_change_set
from sudo_mcp_guardrails.approval.reading.cloud_control import read_cloud_control
from sudo_mcp_guardrails.approval.reading.known import Known
from sudo_mcp_guardrails.approval.reading.source import MAX_BYTES, kind_of, loaded
from sudo_mcp_guardrails.approval.reading.template import read_template
from sudo_mcp_guardrails.approval.reading.terraform import read_terraform

if TYPE_CHECKING:
    from collections.abc import Callable

_READERS: Final[dict[Form, Callable[[object, Known], Plan]]] = {
    Form.TEMPLATE: read_template,
    Form.CHANGE_SET: read_change_set,
    Form.CLOUD_CONTROL: read_cloud_control,
    Form.TERRAFORM: read_terraform,
    Form.API_CALLS: read_api_calls,
}
_TOLD_BY: Final = {
    "ChangeSetId": Form.CHANGE_SET,
    "format_version": Form.TERRAFORM,
    "TypeName": Form.CLOUD_CONTROL,
    "Resources": Form.TEMPLATE,
}


def read_plan(data: object, *, form: Form | None = None, known: Known | None = None) -> Plan:
    """Read a plan, whatever tool it came from.

    Nothing is looked up: what the file and the caller do not tell is an unknown of the plan, which makes it R3.

    Args:
        data: The file's bytes, at most 16 MiB of JSON in UTF-8, or what another parser made of it. A change set of
            several pages is a list of them.
        form: What it is. Default: told by its members.
        known: What the caller knows beside it. Default: nothing.

    Raises:
        PlanError: It is no plan of that form, or out of bounds; no value of it is in the message.
    """
    document = loaded(data, "the plan")
    return _READERS[form or detected(document)](document, known or Known())


def detected(document: object) -> Form:
    """Return the form that a document has.

    Args:
        document: As parsed.

    Raises:
        PlanError: It has none, or might have two.
    """
    first = document
    if isinstance(document, list) and document:
        first = document[0]
        if isinstance(first, dict) and "operation" in first:
            return Form.API_CALLS
    found = {form for name, form in _TOLD_BY.items() if isinstance(first, dict) and name in first}
    if isinstance(document, list):
        found &= {Form.CHANGE_SET}
    if len(found) != 1:
        what = " and ".join(sorted(form.value for form in found)) or kind_of(document)
        raise PlanError(f"the plan looks like {what}, expected one of {', '.join(form.value for form in Form)}")
    return found.pop()


__all__ = ["MAX_BYTES", "Form", "Known", "Plan", "detected", "read_plan"]
