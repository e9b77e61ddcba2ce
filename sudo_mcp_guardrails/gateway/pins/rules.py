"""Rules for text in a definition that speaks to the model about more than the tool.

Each is one regular expression without nested repetition, over at most 100,000 characters.
``docs/gateway-supply-chain.md`` says how often they are wrong about real servers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: Stable.
        why: What a description of this kind is used for, in one sentence.
        pattern: Found anywhere in a text is a finding.
    """

    id: str
    why: str
    pattern: re.Pattern[str]


def _rule(identity: str, why: str, *alternatives: str) -> Rule:
    return Rule(identity, why, re.compile("|".join(alternatives), re.IGNORECASE))


_PERSON: Final = r"(?:the )?(?:user|human|person|operator|customer|developer|anyone|anybody)"
_TELL: Final = r"(?:tell|mention|inform|reveal|disclose|notify|alert|warn|show|explain|report)"
_KEPT_PLACES: Final = (
    r"(?:~|\$HOME|/root|/home/\w{1,32})/\.(?:ssh|aws|kube|gnupg|docker|netrc|npmrc|pypirc|cursor|config/gcloud)"
    r"|\bid_(?:rsa|ed25519|ecdsa)\b|/etc/(?:passwd|shadow)\b|\.aws/credentials|/proc/(?:self|\d{1,7})/environ"
    r"|\.cursor/mcp\.json|169\.254\.169\.254"
)
RULES: Final = (
    _rule(
        "text.override",
        "It takes back what the model was told before.",
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:previous|prior|earlier|above|preceding|system|"
        r"other|all)\b[^.\n]{0,20}\b(?:instructions?|prompts?|rules?|messages?|guidelines|polic(?:y|ies)|guardrails)\b",
        r"\bnew (?:system )?instructions?\s*:",
        r"\byou are now (?:a|an|in|the|no longer)\b",
        r"\bthis (?:instruction|rule|tool) (?:overrides|supersedes|takes precedence over|has priority over)\b",
    ),
    _rule(
        "text.conceal",
        "It keeps something from the person.",
        rf"\b(?:do not|don't|never|must not|should not|without|avoid)\b[^.\n]{{0,30}}\b{_TELL}(?:ing)?\b"
        rf"[^.\n]{{0,30}}\b{_PERSON}\b",
        r"\b(?:silently|secretly|covertly|quietly|invisibly|in the background)\b[^.\n]{0,40}\b(?:send|call|copy|"
        r"forward|include|append|pass|upload|post|read|run|execute|add)\b",
        rf"\bwithout {_PERSON}(?:'s)? (?:knowing|knowledge|noticing|consent|approval|permission)\b",
        rf"\b(?:without|no need (?:for|of|to)|skip)\b[^.\n]{{0,20}}\b(?:asking|confirm(?:ing|ation)?|consent|approval)"
        rf"\b[^.\n]{{0,20}}\b(?:from|with|of|by)\b {_PERSON}\b",
    ),
    _rule(
        "text.pseudo-tag",
        "It looks like the markup of a prompt.",
        r"<\s*/?\s*(?:important|system|secret|instructions?|admin|assistant|hidden|override|priority)\s*>",
        r"\[/?(?:INST|SYS|SYSTEM)\]",
        r"<\|[a-z_]{2,20}\|>",
        r"^\s{0,8}#{2,4}\s*(?:system|instructions?)\s*:",
    ),
    _rule(
        "text.other-tools",
        "It says what to do with tools of other servers.",
        r"\b(?:before|after|whenever|prior to) (?:using|calling|invoking|running|executing|you (?:use|call|run))\b"
        r"[^.\n]{0,20}\b(?:any|every|each|all)(?: other)? (?:tools?|function)\b",
        r"\b(?:instead of|replaces?|do not use|don't use|never use)\b[^.\n]{0,30}\b(?:any other|all other|other "
        r"servers?'?)\b[^.\n]{0,20}\btools?\b",
        r"\b(?:when|whenever|if)\b[^.\n]{0,40}\b(?:send_?email|send_?message|transfer|payment)\b[^.\n]{0,60}\b(?:change|"
        r"replace|set|add|bcc|also)\b",
    ),
    _rule("text.secret-file", "It names a file or an address where secrets lie.", _KEPT_PLACES),
    _rule(
        "text.secrets-wanted",
        "It asks for secrets or for what was said as an argument.",
        r"\b(?:pass|include|send|provide|put|append|attach|forward|copy|insert)\b[^.\n]{0,60}\b(?:conversation|chat)"
        r" (?:history|log|transcript)\b",
        r"\b(?:pass|include|send|put|append|attach|forward|copy|insert)\b[^.\n]{0,60}\b(?:system prompt|private key|"
        r"api[ _-]?keys?|passwords?|credentials|environment variables|secret keys?|access keys?)\b[^.\n]{0,40}\b(?:as|"
        r"in|to|into|with)\b",
    ),
    _rule(
        "text.send-away",
        "It names where to send something.",
        r"\b(?:send|forward|post|upload|exfiltrate|bcc|cc|e-?mail|copy|report|transmit)\b[^.\n]{0,60}\b(?:to|at)\b\s{0,4}"
        r"(?:https?://|[\w.+-]{1,64}@[\w-]{1,63}\.\w)",
    ),
    _rule(
        "text.encoded",
        "It holds text that only a program reads.",
        r"(?<![\w+/])(?=[A-Za-z0-9+/]{0,80}\d)(?=[A-Za-z0-9+/]{0,80}[A-Z])[A-Za-z0-9+/]{120}",
        r"(?<![0-9a-f])[0-9a-f]{160}",
        r"\b(?:decode|decrypt|rot13|base64)\b[^.\n]{0,40}\b(?:and|then)\b[^.\n]{0,20}\b(?:follow|execute|run|obey|do)\b",
    ),
)
