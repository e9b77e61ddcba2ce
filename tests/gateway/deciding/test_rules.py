"""Rules of a team: what refuses to start, what a schema becomes, slices, and what AgentCore can express."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import cedarpy
import pytest

from sudo_mcp_guardrails.gateway.call import Verdict
from sudo_mcp_guardrails.gateway.deciding.errors import RuleError
from sudo_mcp_guardrails.gateway.deciding.rules.export import export
from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Ruleset
from sudo_mcp_guardrails.gateway.deciding.rules.schema import tool_schema
from sudo_mcp_guardrails.gateway.deciding.rules.text import read_rules
from sudo_mcp_guardrails.gateway.deciding.rules.types import Type, UnfitError, type_of, value_of
from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.pins.lock import Lock, Pin, ServerPin
from tests.gateway.deciding.making import call, deciding, lock, session

SEND = 'action == AgentCore::Action::"mail___send"'
PERMIT = f"permit(principal, {SEND}, resource);\n"
GATEWAY = "arn:aws:bedrock-agentcore:eu-west-1:111111111111:gateway/g"


def when(condition: str, scope: str = SEND) -> str:
    """Return a rule on line 3 that forbids."""
    return f"{PERMIT}// a comment; of two\nforbid(principal, {scope}, resource) when {{ {condition} }};\n"


REFUSED = {
    "typo-in-argument": (when('context.input.too == "x"'), "too"),
    "typo-after-has": (when('context.input has regoin && context.input.regoin == "x"'), "never match"),
    "typo-in-meaning": (when('context.meaning.efect == "read"'), "efect"),
    "no-such-value": (when('context.meaning.effect == "wirte"'), "never match"),
    "no-such-choice": (when('context.input has urgency && context.input.urgency == "hgih"'), "never match"),
    "no-such-choice-in-set": (
        when('context.input has urgency && ["a", "b"].contains(context.input.urgency)'),
        "never match",
    ),
    "always-false": (when("false"), "never match"),
    "unless-true": (f"{PERMIT}\nforbid(principal, {SEND}, resource) unless {{ true }};", "never match"),
    "contradicts": (when('context.input.to == "a" && context.input.to == "b"'), "never match"),
    "contradicts-in-turn": (
        when('context.input.to == "a" && !(context.input.to == "a" || context.input.to == "b")'),
        "never match",
    ),
    "empty-range": (when("context.meaning.level > 3 && context.meaning.level < 4"), "never match"),
    "both-branches-impossible": (when('context.meaning.risk == "R9" || context.meaning.effect == "x"'), "never match"),
    "other-type": (when("context.input.to == 3"), "compatible"),
    "optional-unguarded": (when('context.input.body == "x"'), "optional"),
    "alternatives": (when("context.input has either && context.input.either == 3"), "never match"),
    "unknown-tool": (when("true", 'action == AgentCore::Action::"mail___sned"'), "sned"),
    "unknown-principal": (f"{PERMIT}\nforbid(principal is AgentCore::OAuthUser, {SEND}, resource);", "OAuthUser"),
    "other-gateway": (f'{PERMIT}\nforbid(principal, {SEND}, resource == AgentCore::Gateway::"g2");', "gateway"),
    "template": (f"{PERMIT}\nforbid(principal == ?principal, {SEND}, resource);", "template"),
    "no-cedar": (f"{PERMIT}\nforbid(principal, {SEND}, resource) when {{ context.input.to = 3 }};", "not understood"),
    "unfinished": (f"{PERMIT}\nforbid(principal, {SEND}, resource)", "not understood"),
    "open-string": (f'{PERMIT}\nforbid(principal, {SEND}, resource) when {{ "x }};', "not understood"),
    "verdict-on-a-permit": (f'{PERMIT}\n@verdict("ask") permit(principal, {SEND}, resource);', "@verdict"),
    "unknown-verdict": (f'{PERMIT}\n@verdict("maybe") forbid(principal, {SEND}, resource);', "@verdict"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_to_start(name: str) -> None:
    """An error in a rule stops the guard, and names the line."""
    text, says = REFUSED[name]
    with pytest.raises(RuleError, match=says) as raised:
        Ruleset(text, tool_schema(lock()))
    assert raised.value.line == 3
    assert "line 3" in str(raised.value)


def test_no_rules_are_refused() -> None:
    """A file without a rule would deny all, and is a mistake."""
    for text in ("", "// permit(principal, action, resource);"):
        with pytest.raises(RuleError, match="0 rules"):
            Ruleset(text, tool_schema(lock()))


def test_a_name_twice_is_refused() -> None:
    """Reasons name rules by it."""
    with pytest.raises(RuleError, match="twice"):
        Ruleset(f'@id("a") {PERMIT} @id("a") {PERMIT}', tool_schema(lock()))


ACCEPTED = (
    'context.input.to like "*@example.com"',
    'context.input has body && context.input.body like "*;*"',
    "context.input has copies && context.input.copies > 3",
    'context.input has weight && context.input.weight.greaterThan(decimal("1.5"))',
    'context.input has tags && context.input.tags.contains("x")',
    "context.input has options && context.input.options.draft",
    'context.input has urgency && context.input.urgency == "high"',
    'context.session.capability == "read" || context.session.production',
    'context.tool.reviewed && context.tool.server == "mail"',
    '!(context.meaning.risk == "R0") && context.meaning.level > 1',
    'context.labels.contains("web") || context.provenance.untrusted.contains("to")',
    'if context.approved then false else context.input.to == "a"',
    'principal.id like "arn:*"',
)


@pytest.mark.parametrize("condition", ACCEPTED)
def test_accepted(condition: str) -> None:
    """What may match is let in."""
    assert len(Ruleset(when(condition), tool_schema(lock())).rules) == 2


def test_lines_survive_strings_and_comments() -> None:
    """A semicolon in a string or a comment ends no policy."""
    condition = r'context.input == {"a": "x\";// y"}'
    first = f"permit(principal, action, resource)\n  when {{ {condition} }};"
    text = f'// one;\n{first}\n\n@id("b") // c;\nforbid(principal, action, resource);'
    assert [(rule.line, rule.name) for rule in read_rules(text)] == [(2, "line 2"), (5, "b")]


TYPES: tuple[tuple[Any, Type | None], ...] = (
    ({"type": "string"}, Type("String")),
    ({"type": ["string", "null"]}, Type("String")),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, Type("Long")),
    ({"enum": ["a", "b"]}, Type("String", values=frozenset({"a", "b"}))),
    ({"type": "array", "items": {"type": "number"}}, Type("Set", Type("decimal"))),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "boolean"}}}, Type("Bool")),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}, None),
    ({"$ref": "https://example.com/x"}, None),
    ({"type": ["string", "integer"]}, None),
    ({"oneOf": [{"type": "string"}]}, None),
    ({"type": "array"}, None),
    ({"type": "object", "additionalProperties": {"type": "string"}}, None),
    ({"type": "null"}, None),
    ({}, None),
    (True, None),
)


@pytest.mark.parametrize(("schema", "expected"), TYPES, ids=range(len(TYPES)))
def test_types(schema: Any, expected: Type | None) -> None:
    """JSON Schema in Cedar's types, and what there is none for."""
    assert type_of(schema) == expected


def test_nullable_is_never_required() -> None:
    """A value that may be null may be absent."""
    found = type_of(
        {
            "type": "object",
            "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "string"}},
            "required": ["a", "b"],
        }
    )
    assert found is not None
    assert found.required == {"b"}


VALUES: tuple[tuple[Any, Type, Any], ...] = (
    ("x", Type("String"), "x"),
    (3.0, Type("Long"), 3),
    (1.23456, Type("decimal"), {"__extn": {"fn": "decimal", "arg": "1.2345"}}),
    (-2, Type("decimal"), {"__extn": {"fn": "decimal", "arg": "-2.0000"}}),
    (["a"], Type("Set", Type("String")), ["a"]),
    ({"a": 1, "b": 2, "c": None}, Type("Record", None, {"a": Type("Long"), "c": Type("Long")}), {"a": 1}),
)


@pytest.mark.parametrize(("value", "kind", "expected"), VALUES, ids=range(len(VALUES)))
def test_values(value: Any, kind: Type, expected: Any) -> None:
    """Arguments as Cedar takes them."""
    assert value_of(value, kind) == expected


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, Type("String")),
        (True, Type("Long")),
        (3.5, Type("Long")),
        (2**63, Type("Long")),
        (float("inf"), Type("decimal")),
        (1e30, Type("decimal")),
        ("x", Type("Set", Type("String"))),
        ([1], Type("Set", Type("String"))),
        ({}, Type("Record", None, {"a": Type("Long")}, frozenset({"a"}))),
        ({"__entity": {"type": "AgentCore::Gateway", "id": "x"}}, Type("String")),
    ],
)
def test_unfit_values(value: Any, kind: Type) -> None:
    """What is not of its type is no value."""
    with pytest.raises(UnfitError):
        value_of(value, kind)


def test_schema_of_two_eras() -> None:
    """A rule holds for every form of a tool, so what they disagree on is left out."""
    forms = [
        {
            "name": "t",
            "inputSchema": {
                "type": "object",
                "properties": {"a": {"type": kind}, "b": {"type": "string"}},
                "required": ["b"],
            },
        }
        for kind in ("string", "integer")
    ]
    pinned = Lock({"s": ServerPin({}, {}, {"tools": {"t": Pin({digest(form): form for form in forms})}})})
    action = tool_schema(pinned).actions["s", "t"]
    assert set(action.input.attributes) == {"b"}
    assert action.input.required == {"b"}


def test_two_tools_of_one_id_are_refused() -> None:
    """A target that makes two tools one action hides one of them."""
    form = {"name": "t", "inputSchema": {"type": "object"}}
    pin = ServerPin({}, {}, {"tools": {"t": Pin({digest(form): form})}})
    with pytest.raises(RuleError, match="two tools"):
        tool_schema(Lock({"a": pin, "b": pin}), {"a": "x", "b": "x"})


RULES = f"""
permit(principal, action in AgentCore::Action::"mail", resource);
permit(principal, action == AgentCore::Action::"aws___aws___run_script", resource);
@id("outside") forbid(principal, {SEND}, resource) unless {{ context.input.to like "*@example.com" }};
@id("many") forbid(principal, action in [AgentCore::Action::"mail___send", AgentCore::Action::"mail___purge"], resource)
  when {{ context.input has copies && context.input.copies > 3 }};
@id("anything") forbid(principal, action, resource) when {{ context.labels.contains("secret") }};
"""


def test_slices_decide_as_the_whole() -> None:
    """Slicing leaves out nothing that decides: the same answers as Cedar gives for all rules at once."""
    ruleset = Ruleset(RULES, tool_schema(lock()))
    whole = cedarpy.PolicySet.from_str(RULES)
    seen = set()
    places = [("mail", "send"), ("mail", "purge"), ("mail", "read"), ("aws", "aws___run_script"), ("cli", "call_aws")]
    for place, to, copies, labels in product(places, ("a@example.com", "a@evil"), (1, 9), ([], ["secret"])):
        part = ruleset.slice(*place)
        assert part is not None
        context = {"input": {"to": to, "copies": copies}, "labels": labels}
        request = {
            "principal": {"type": "AgentCore::IamEntity", "id": "r"},
            "action": {"type": "AgentCore::Action", "id": part.action.id},
            "resource": {"type": "AgentCore::Gateway", "id": "local"},
            "context": context,
        }
        group = {"type": "AgentCore::Action", "id": place[0]}
        entities = [{"uid": request["action"], "attrs": {}, "parents": [group]}]
        expected = cedarpy.is_authorized(request, whole, json.dumps(entities))
        found = ruleset.decide(part, "r", context)
        assert (found.verdict is Verdict.ALLOW) == expected.allowed
        seen.add((found.verdict, found.rules))
    assert (Verdict.DENY, ("many", "outside")) in seen
    assert (Verdict.DENY, ("anything",)) in seen
    assert (Verdict.DENY, ()) in seen
    assert any(verdict is Verdict.ALLOW for verdict, _ in seen)


def test_each_rule_decides_something() -> None:
    """Without any one of the rules, some call is decided otherwise."""
    rules = [rule.text for rule in read_rules(RULES)]
    calls: list[tuple[str, str, str, int, list[str]]]
    calls = [("mail", "send", "a@example.com", 1, []), ("mail", "send", "a@evil", 1, []), ("mail", "purge", "a", 9, [])]
    calls += [("aws", "aws___run_script", "", 1, []), ("mail", "read", "", 1, ["secret"])]

    def decided(text: str) -> list[Verdict]:
        ruleset = Ruleset(text, tool_schema(lock()))
        found = []
        for server, tool, to, copies, labels in calls:
            part = ruleset.slice(server, tool)
            assert part is not None
            context = {"input": {"to": to, "copies": copies}, "labels": labels}
            found.append(ruleset.decide(part, "r", context).verdict)
        return found

    whole = decided(RULES)
    for number in range(len(rules)):
        assert decided("\n".join(rules[:number] + rules[number + 1 :])) != whole


def test_oauth_claims() -> None:
    """With OAuth the principal is the subject, and its claims are tags."""
    schema = tool_schema(lock(), principal="OAuthUser")
    claim = 'principal.hasTag("role") && principal.getTag("role") == "x"'
    rules = f"permit(principal is AgentCore::OAuthUser, {SEND}, resource) when {{ {claim} }};"
    ruleset = Ruleset(rules, schema)
    part = ruleset.slice("mail", "send")
    assert part is not None
    assert ruleset.decide(part, "sub", {"input": {}}, (("role", "x"),)).verdict is Verdict.ALLOW
    assert ruleset.decide(part, "sub", {"input": {}}, (("role", "y"),)).verdict is Verdict.DENY
    assert ruleset.decide(part, "sub", {"input": {}}).verdict is Verdict.DENY


def test_only_what_is_mentioned_is_handed_over() -> None:
    """A megabyte that no rule looks at costs nothing, whatever is in it."""
    check = deciding('permit(principal, action in AgentCore::Action::"mail", resource);')
    assert not check.before(session(), call({"id": {"deep": ["x" * 10**6]}}, "read", "mail")).reasons


def test_export() -> None:
    """The same text for AgentCore, and a reason for each rule that it cannot express."""
    at = f'resource == AgentCore::Gateway::"{GATEWAY}"'
    fine = f'@id("fine") forbid(principal, {SEND}, {at}) when {{ context.input.to like "*@evil" }};'
    texts = {
        "fine": fine,
        "labels": f'@id("labels") forbid(principal, {SEND}, {at}) when {{ context.labels.contains("x") }};',
        "nowhere": f'@id("nowhere") forbid(principal, {SEND}, resource) when {{ context.input.to like "*@evil" }};',
        "asks": f'@id("asks") @verdict("ask") forbid(principal, {SEND}, {at});',
        "long": f'@id("long") forbid(principal, {SEND}, {at}) when {{ context.input.to == "{"x" * 10_000}" }};',
        "all": '@id("all") permit(principal, action, resource is AgentCore::Gateway);',
    }
    found = export(Ruleset("\n".join(texts.values()), tool_schema(lock()), GATEWAY))
    assert [(name, text) for name, text, _ in found.policies] == [("fine", fine), ("all", texts["all"])]
    assert {name: reason.split(":")[0] for name, _, reason in found.left} == dict.fromkeys(
        ("labels", "nowhere", "asks", "long"), "a forbid"
    )
    assert found.is_weaker
    assert not found.problems


def test_export_of_a_short_rule() -> None:
    """What AgentCore would refuse for its length is told here."""
    found = export(Ruleset("permit(principal,action,resource);", tool_schema(lock())))
    assert "34 characters" in found.left[0][2]
