"""What the workflow tells people, as entries of an event bus: a link, and never anything that approves.

The messages for Slack and Teams are made here, as JSON, and handed on whole by the rules (``InputPath``): a template of
an input transformer would have to quote text that people and agents wrote. Sources: EventBridge user guide, "Amazon
EventBridge input transformation"; Slack, "Formatting text for app surfaces" (which characters to escape); Microsoft
Teams, "Create incoming webhooks" (an adaptive card as an attachment); Step Functions developer guide, "Add EventBridge
events with Step Functions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.workflow.retries import busy_retries

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.workflow.retries import State

SOURCE: Final = "sudo-mcp-guardrails.approval"
DETAIL_TYPE: Final = "Approval Notice"
BATCH: Final = 10
"""Entries that PutEvents takes at once."""
LINE: Final = 900
"""Characters of a notice that travel: ten of them, three times each, stay below PutEvents' 256 KiB and SNS's limits."""

_CARD_VERSION: Final = "1.4"
_SLACK_TEXT: Final = (
    "$replace($replace($replace($line, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') & '\\n<' & $link & '>'"
)


def notify(bus: str, page: str, *, then: str) -> State:
    """Return the state that sends up to ten of the notices in the variable ``notices``, and keeps the rest there.

    What was sent is kept in ``sent``, by its ids, until the chain has it. Where sending fails nothing is lost: what
    was not recorded as told is due again at the next look.

    Args:
        bus: Name or ARN of the event bus.
        page: Address of the approval page, without a fragment.
        then: The next state, also after an error.
    """
    batch = f"$notices[[0..{BATCH - 1}]]"
    entry = f"""
        $approval := $states.context.Execution.Name;
        $link := {_quoted(page)} & '#/approvals/' & $approval;
        $made := function($n) {{(
            $line := $substring($string($n.text), 0, {LINE});
            {{
                "Source": {_quoted(SOURCE)},
                "DetailType": {_quoted(DETAIL_TYPE)},
                "EventBusName": {_quoted(bus)},
                "Detail": {{
                    "approval": $approval,
                    "notice": $n.id,
                    "about": $n.about,
                    "groups": $n.groups ? [$n.groups] : [],
                    "text": $line,
                    "url": $link,
                    "message": $line & ' ' & $link,
                    "slack": {{"text": {_SLACK_TEXT}}},
                    "teams": {{
                        "type": "message",
                        "attachments": [{{
                            "contentType": "application/vnd.microsoft.card.adaptive",
                            "content": {{
                                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                                "type": "AdaptiveCard",
                                "version": {_quoted(_CARD_VERSION)},
                                "body": [{{
                                    "type": "RichTextBlock",
                                    "inlines": [{{"type": "TextRun", "text": $line}}]
                                }}],
                                "actions": [{{"type": "Action.OpenUrl", "title": "Open", "url": $link}}]
                            }}
                        }}]
                    }}
                }}
            }}
        )}};
        [{batch} ~> $map($made)]
    """
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::events:putEvents",
        "Arguments": {"Entries": f"{{% ({' '.join(entry.split())}) %}}"},
        "TimeoutSeconds": 60,
        "Retry": busy_retries(
            "EventBridge.FailedEntry", "EventBridge.InternalException", "EventBridge.ThrottlingException"
        ),
        "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"notices": []}, "Output": {}, "Next": then}],
        "Assign": {
            "sent": f"{{% $append([$sent], [{batch}.id]) %}}",
            "notices": f"{{% [$filter($notices, function($v, $i) {{$i >= {BATCH}}})] %}}",
        },
        "Output": {},
        "Next": then,
    }


def _quoted(text: str) -> str:
    """Write text as a string of JSONata; what is written here is ours, and has neither quotes nor backslashes."""
    if "'" in text or "\\" in text or '"' in text:
        raise ValueError(f"text {text!r} cannot stand in an expression of the workflow")
    return f"'{text}'"
