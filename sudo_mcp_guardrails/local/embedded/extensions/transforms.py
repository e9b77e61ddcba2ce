"""Gap: ministack runs a template's transforms and macros for anyone who may create the stack or change set.

AWS asks for `cloudformation:CreateChangeSet` on each transform as well, since a macro runs code at plan time:
`arn:<partition>:cloudformation:<region>:aws:transform/<Name>` for AWS's own, with the account id for a macro of
one's own.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, helpers

from . import authorization
from .attempts import PARTITION

if TYPE_CHECKING:
    from .attempts import Attempt, HttpRequest

ACTION = "cloudformation:CreateChangeSet"
_STARTERS = frozenset({"cloudformation:CreateStack", "cloudformation:UpdateStack", ACTION})


def install() -> None:
    """Check the transforms of every template that starts something."""
    authorization.add_request_check(_transforms_allowed)


def names(template: Any) -> set[str]:
    """Return the names of the transforms that a template uses, at its top or inside `Fn::Transform`."""
    found: set[str] = set()
    if isinstance(template, dict):
        for key, value in template.items():
            if key in ("Transform", "Fn::Transform"):
                for entry in value if isinstance(value, list) else [value]:
                    found.add(str(entry.get("Name", "")) if isinstance(entry, dict) else str(entry))
            found |= names(value)
    elif isinstance(template, list):
        for value in template:
            found |= names(value)
    return found - {""}


def _template(request: HttpRequest) -> Any:
    params = {key: [value] for key, value in request.form().items()}
    text, problem = helpers._resolve_template(params)
    if problem or not text:
        stack = cloudformation._stacks.get(request.text("StackName")) or {}
        text = stack.get("_template_body") or ""
    try:
        return engine._parse_template(text) if text else {}
    except Exception:  # noqa: BLE001 - whatever cannot be parsed is refused by the handler itself
        return {}


def _transforms_allowed(attempt: Attempt) -> Any:
    if attempt.action not in _STARTERS or attempt.request is None:
        return None
    for name in sorted(names(_template(attempt.request))):
        aws_owned = name.startswith("AWS::")
        owner = "aws" if aws_owned else get_account_id()
        arn = f"arn:{PARTITION}:cloudformation:{attempt.region}:{owner}:transform/{name.removeprefix('AWS::')}"
        denied = authorization.decide(
            attempt.principal, ACTION, arn, region=attempt.region, context=attempt.context, request=attempt.request
        )
        if denied is not None:
            return denied
    return None
