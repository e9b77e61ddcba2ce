"""CloudFormation hooks as data: Guard rules, one file a rule, of which each stands alone.

The same text is what a hook enforces, what synthesis checks and what a scan or an export takes. Every rule knows both
shapes in which AWS's material shows a resource to a Guard Hook, ``Type`` with ``Properties`` and ``ResourceType`` with
``ResourceProperties``, and fails where a resource has neither: a rule that finds nothing to look at passes, in silence.
None honours ``Metadata``, so the author of a template cannot switch one off.

Sources: CloudFormation Hooks user guide, "Write Guard rules to evaluate resources for Guard Hooks"; CloudFormation
Guard user guide, "Writing AWS CloudFormation Guard rules".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DIRECTORY: Final = Path(__file__).parent
_TAG: Final = re.compile(r"(?!(?i:aws):)[\w.:/=+@ -]{1,128}")
_LAST_PORT: Final = 65535
_TAGS: Final = ("owner", "agent")
_PORTS: Final = (443,)


class HookRuleError(GuardrailsError):
    """A hook's rules cannot be made from what was given; the message says what is allowed."""


class HookTarget(str, Enum):
    """Operations that a hook runs before, as CloudFormation names them.

    Source: CloudFormation Hooks user guide, "Hook targets".
    """

    RESOURCE = "RESOURCE"
    """A resource of a stack, with every reference resolved."""
    STACK = "STACK"
    """A stack, as its template."""
    CHANGE_SET = "CHANGE_SET"
    """A change set, as its template: the plan fails, and not the deployment."""
    CLOUD_CONTROL = "CLOUD_CONTROL"
    """A resource by the Cloud Control API, which is in no stack."""


@dataclass(frozen=True)
class HookRule:
    """A Guard rule.

    Args:
        id: Stable and kebab-case, unique in the library.
        rule: Its name in the Guard text, and so in findings.
        reason: Why it is there.
        stops: The threats, in words.
        targets: Operations whose input shows what it looks at.
        agents_only: Whether it is meant for the stacks of agents, where for others' it would be in the way.
    """

    id: str
    rule: str
    reason: str
    stops: tuple[str, ...]
    targets: tuple[HookTarget, ...] = tuple(HookTarget)
    agents_only: bool = False

    @property
    def file(self) -> str:
        """Name of its file beside this module."""
        return f"{self.id.replace('-', '_')}.guard"

    @property
    def source(self) -> str:
        """The Guard text as it ships, with the default tags and ports."""
        return _read(self.file)

    @property
    def digest(self) -> str:
        """SHA-256 of the text as it ships, in hexadecimal: the version of the rule."""
        return hashlib.sha256(self.source.encode()).hexdigest()


HOOK_RULES: Final = {
    rule.id: rule
    for rule in (
        HookRule(
            "open-security-groups",
            "SMG_HOOK_OPEN_SECURITY_GROUPS",
            "no IAM condition key sees a port or an address range, so that only a hook can refuse one beforehand",
            ("a service that the whole internet reaches",),
        ),
        HookRule(
            "unencrypted-stores",
            "SMG_HOOK_UNENCRYPTED_STORES",
            "data that is not encrypted is readable to whoever gets at a copy, and no key can be taken away",
            ("a copy, a snapshot or a backup that needs no key",),
        ),
        HookRule(
            "public-endpoints",
            "SMG_HOOK_PUBLIC_ENDPOINTS",
            "an endpoint that asks nobody who they are has no other guard before it",
            ("data that anybody may fetch", "code that anybody may run"),
        ),
        HookRule(
            "agentcore-gateways",
            "SMG_HOOK_AGENTCORE_GATEWAYS",
            "a gateway without an authorizer hands its tools to anybody, and a policy engine only logs by default",
            ("tools without a caller", "policies that decide nothing"),
        ),
        HookRule(
            "declared-encryption",
            "SMG_HOOK_DECLARED_ENCRYPTION",
            "encryption that is written in the template is seen in a review, and its loss in a diff",
            ("an auditor who has to take it on trust",),
            agents_only=True,
        ),
        HookRule(
            "missing-tags",
            "SMG_HOOK_MISSING_TAGS",
            "what an agent makes has an owner, who is asked when it is in the way",
            ("a resource that nobody answers for",),
            agents_only=True,
        ),
        HookRule(
            "suppressions",
            "SMG_HOOK_SUPPRESSIONS",
            "scanners read from the template what they shall not look at, and the agent writes the template",
            ("a scan that an agent has switched off",),
            targets=(HookTarget.STACK, HookTarget.CHANGE_SET),
            agents_only=True,
        ),
    )
}
"""All rules by id."""

FOR_EVERYONE: Final = tuple(rule.id for rule in HOOK_RULES.values() if not rule.agents_only)
"""Ids of the rules that are fit for every stack of an account."""


def guard_text(
    rules: Iterable[str] = tuple(HOOK_RULES),
    *,
    required_tags: Sequence[str] = _TAGS,
    open_ports: Sequence[int] = _PORTS,
) -> str:
    """Return the Guard text of rules, for one ``.guard`` file.

    Args:
        rules: Ids. Default: all.
        required_tags: Keys of the tags that ``missing-tags`` asks for. Default: ``owner`` and ``agent``.
        open_ports: Ports that ``open-security-groups`` lets the world have, each by itself. Default: 443.
            An empty list lets it have none.

    Raises:
        HookRuleError: For no rule or an unknown one, no tag or one that AWS does not take, and a number that is no
            port.
    """
    chosen = tuple(dict.fromkeys(rules))
    if not chosen:
        raise HookRuleError(f"hook has no rules, expected some of {', '.join(HOOK_RULES)}")
    return "\n".join(_configured(known_rule(id_), required_tags=required_tags, open_ports=open_ports) for id_ in chosen)


def known_rule(id_: str) -> HookRule:
    """Return a rule by its id; raises HookRuleError for an unknown one."""
    if id_ not in HOOK_RULES:
        raise HookRuleError(f"hook rule {id_!r} is not known, allowed are {', '.join(HOOK_RULES)}")
    return HOOK_RULES[id_]


def _configured(rule: HookRule, *, required_tags: Sequence[object], open_ports: Sequence[object]) -> str:
    """Return a rule's text with its one list set; the text that ships has the defaults, and so stands alone."""
    text = rule.source
    if rule.id == "missing-tags":
        if isinstance(required_tags, str) or not required_tags:
            raise HookRuleError(f"required tags {required_tags!r} are not allowed, expected a list of at least one")
        for tag in required_tags:
            if not isinstance(tag, str) or not _TAG.fullmatch(tag):
                raise HookRuleError(
                    f"required tag {tag!r} is not allowed, expected 1 to 128 letters, digits, spaces and .:/=+-@_, "
                    "and no aws: before them"
                )
        text = _set_list(text, "smg_required_tags", [f"'{tag}'" for tag in required_tags])
    if rule.id == "open-security-groups":
        for port in open_ports:
            if not isinstance(port, int) or isinstance(port, bool) or not 0 < port <= _LAST_PORT:
                raise HookRuleError(f"open port {port!r} is not allowed, expected 1 to {_LAST_PORT}")
        # Templates write a port as a number or as text.
        values = [form for port in open_ports for form in (str(port), f"'{port}'")] or ["'none'"]
        text = _set_list(text, "smg_open_ports", values)
    return text


def _set_list(text: str, name: str, values: Sequence[str]) -> str:
    """Replace the one list of a rule's text."""
    line = re.compile(rf"^  let {name} = \[.*\]$", re.MULTILINE)
    text, count = line.subn(lambda _: f"  let {name} = [{', '.join(values)}]", text)
    if count != 1:
        raise HookRuleError(f"guard text has {count} lists {name!r}, expected one")
    return text


@cache
def _read(file: str) -> str:
    return (_DIRECTORY / file).read_text(encoding="utf-8")
