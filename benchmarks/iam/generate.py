"""Random requests and the layers of policies around them, the same for the same seed on every machine.

Policies are drawn around a request: about half of their parts are made to match it, the others to miss it.
What AWS has not said (a negated operator or NotResource on a variable that may be unresolved,
``ForAnyValue:…IfExists``) never appears, so that two implementations of what it has said must agree.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.iam.patterns import action_pattern, resource_pattern
from benchmarks.iam.universe import CALLER_KEYS, FOREIGN, GLOBAL_KEYS, OWN, PRINCIPALS, TARGETS
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.evaluate import Layers
from sudo_mcp_guardrails.iam.request import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.iam.universe import Key, Target
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.iam.request import Principal

REGIONS: Final = ("us-east-1", "eu-west-1")
KINDS: Final = ("identity", "boundary", "session", "scps", "resource")
_OPERATORS: Final = {
    "string": (
        *("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
        *("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    ),
    "arn": ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "StringLike", "StringNotLike"),
    "bool": ("Bool",),
    "ip": ("IpAddress", "NotIpAddress"),
    "numeric": tuple(
        f"Numeric{test}"
        for test in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ),
    "date": tuple(
        f"Date{test}"
        for test in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ),
}


@dataclass(frozen=True)
class Case:
    """One question.

    Args:
        number: Its place; with the seed it makes the case again.
        request: The request.
        layers: The policies around it.
    """

    number: int
    request: Request
    layers: Layers


def case(seed: int, number: int) -> Case:
    """Return one case: a request, and 1 to 5 layers of policies around it."""
    make = Generator(random.Random(f"{seed}:{number}"))  # noqa: S311 - reproducible, not secret
    request = make.request()
    return Case(number, request, make.layers(request))


class Generator:
    """Draws requests and policies.

    Args:
        rng: Where the choices come from.
        plain: Leaves out what the z3 encoding has no words for: policy variables, dates, addresses, keys with
            several values, who owns a resource, and ``*`` for an ARN.
    """

    def __init__(self, rng: random.Random, *, plain: bool = False) -> None:
        self._rng = rng
        self._plain = plain

    def request(self, principal: Principal | None = None, target: Target | None = None) -> Request:
        """Draw a request.

        Args:
            principal: Who calls. Default: drawn.
            target: The action and its resources. Default: drawn.
        """
        rng = self._rng
        target = target or rng.choice(TARGETS)
        principal = principal or rng.choice(PRINCIPALS)
        resource = target.resources[0] if self._chance(0.6) else rng.choice(target.resources)
        context: dict[str, str | tuple[str, ...]] = {}
        following = {key.name for key in CALLER_KEYS}
        for key in (*GLOBAL_KEYS, *target.keys):
            overridden = key.name == "aws:ViaAWSMCPService" and not self._chance(0.8)
            if (key.name in following and not overridden) or not self._chance(0.6):
                continue
            if key.many:
                context[key.name] = tuple(rng.sample(key.values, rng.randint(1, len(key.values))))
            else:
                context[key.name] = rng.choice(key.values)
        account = rng.choice((None, OWN, FOREIGN)) if resource.startswith("arn:aws:s3") else None
        return Request(target.action, resource, principal, context, rng.choice(REGIONS), account)

    def layers(self, request: Request, kinds: Sequence[str] = KINDS) -> Layers:
        """Draw 1 to 5 layers around a request, one of them at least what can grant.

        Args:
            request: The request.
            kinds: Of which kinds. Default: all.
        """
        rng = self._rng
        chosen = set(rng.sample(kinds, rng.randint(1, len(kinds))))
        if not target_of(request).resource_policy:
            chosen.discard("resource")
        if not chosen & {"identity", "resource"}:
            chosen.add("identity")
        return Layers(
            identity=tuple(self._document(f"identity{i}", request) for i in range(rng.randint(1, 2)))
            if "identity" in chosen
            else (),
            boundary=self._document("boundary", request) if "boundary" in chosen else None,
            session=(self._document("session", request),)
            if "session" in chosen and request.principal.session is not None
            else None,
            scps=tuple(self._level(level, request) for level in range(rng.randint(1, 3))) if "scps" in chosen else (),
            resource=self._document("resource", request) if "resource" in chosen else None,
        )

    def _level(self, level: int, request: Request) -> tuple[PolicyDocument, ...]:
        """Draw the SCPs of one level."""
        return tuple(self._document(f"scp{level}-{i}", request) for i in range(self._rng.randint(1, 2)))

    def _document(self, name: str, request: Request) -> PolicyDocument:
        """Draw a document of 1 to 4 statements; most have one that grants much, or nothing would be allowed."""
        statements = [self.statement(f"S{i}", request, name) for i in range(self._rng.randint(1, 3))]
        if self._chance(0.6):
            principals = self._principals(request) if name == "resource" else ()
            wide = Statement("Wide", "Allow", actions=("*",), resources=("*",), principals=principals)
            statements.insert(self._rng.randint(0, len(statements)), wide)
        return PolicyDocument(name, tuple(statements))

    def statement(self, sid: str, request: Request, document: str) -> Statement:
        """Draw one statement around a request.

        Args:
            sid: Its Sid.
            request: The request.
            document: Name of the document it is for.
        """
        rng = self._rng
        effect = "Deny" if self._chance(0.25) else "Allow"
        patterns = tuple(dict.fromkeys(action_pattern(rng, request) for _ in range(rng.randint(1, 3))))
        resources = tuple(dict.fromkeys(self._resource(request, document) for _ in range(rng.randint(1, 2))))
        negated_action = self._chance(0.15)
        # What is left out of a NotResource by a variable that cannot be resolved is not established.
        negated_resource = self._chance(0.15) and not any("${" in resource for resource in resources)
        principals: tuple[tuple[str, str], ...] = ()
        not_principals: tuple[tuple[str, str], ...] = ()
        if document == "resource" and effect == "Deny" and self._chance(0.2):
            not_principals = self._principals(request)
        elif document == "resource":
            principals = self._principals(request)
        return Statement(
            sid,
            effect,
            actions=() if negated_action else patterns,
            not_actions=patterns if negated_action else (),
            resources=() if negated_resource else resources,
            not_resources=resources if negated_resource else (),
            principals=principals,
            not_principals=not_principals,
            conditions=self._conditions(request),
        )

    def _principals(self, request: Request) -> tuple[tuple[str, str], ...]:
        """Draw the principals of a resource policy: the caller by one of its names, or others."""
        principal = request.principal
        root = f"{':'.join(principal.arn.split(':')[:5])}:root"
        own = [principal.arn, principal.session_arn or principal.arn, root, principal.account, "*"]
        others = [f"arn:aws:iam::{FOREIGN}:root", f"arn:aws:iam::{OWN}:role/someone", FOREIGN]
        names = self._rng.sample(own if self._chance(0.7) else others, self._rng.randint(1, 2))
        if "*" in names:
            return (("*", "*"),) if self._chance(0.5) else (("AWS", "*"),)
        return tuple(("AWS", name) for name in names)

    def _resource(self, request: Request, document: str) -> str:
        # STS refuses a session policy with a shortened ARN (IAM user guide, "Identify AWS resources with ARNs").
        return resource_pattern(self._rng, request, variables=not self._plain, short=document != "session")

    def _conditions(self, request: Request) -> Conditions:
        """Draw up to three conditions on keys that can occur for the request."""
        keys = [key for key in (*GLOBAL_KEYS, *target_of(request).keys) if not self._plain or is_plain(key)]
        chosen = self._rng.sample(keys, self._rng.choice((0, 0, 0, 1, 1, 2, 3)))
        # In order of the operators: JSON groups them, and what is read back shall be the same.
        return tuple(sorted(self._condition(key, request) for key in chosen))

    def _condition(self, key: Key, request: Request) -> tuple[str, str, tuple[str, ...]]:
        """Draw one condition."""
        rng = self._rng
        name = key.name if self._chance(0.8) else key.name.lower()
        if self._chance(0.12):
            return "Null", name, (rng.choice(("true", "false")),)
        operator = rng.choice(_OPERATORS[key.kind])
        given = request.keys.get(key.name.lower(), ())
        pool = [value for value in dict.fromkeys((*key.values, *key.patterns)) if self._takes(value, operator)]
        values: tuple[str, ...]
        if operator == "Bool":
            values = (rng.choice(pool),)
        elif given and self._chance(0.4):
            values = tuple(dict.fromkeys((rng.choice(given), rng.choice(pool))))
        else:
            values = tuple(rng.sample(pool, rng.randint(1, min(2, len(pool)))))
        if "Not" in operator:
            values = tuple(v for v in values if "${" not in v) or (key.values[0],)
        if_exists = "IfExists" if self._chance(0.25) else ""
        odd = self._chance(0.03) and not self._plain
        quantifier = rng.choice(("ForAnyValue:", "ForAllValues:")) if key.many or odd else ""
        if quantifier == "ForAnyValue:":
            if_exists = ""
        return f"{quantifier}{operator}{if_exists}", name, values

    def _takes(self, value: str, operator: str) -> bool:
        """Return whether a policy may compare with a value."""
        return not self._plain or not ("${" in value or (value == "*" and operator.startswith("Arn")))

    def _chance(self, share: float) -> bool:
        """Return True in about that share of calls."""
        return self._rng.random() < share


def is_plain(key: Key) -> bool:
    """Return whether the z3 encoding has words for a key."""
    return not key.many and key.kind in {"string", "arn", "bool", "numeric"} and key.name != "aws:ResourceAccount"


def target_of(request: Request) -> Target:
    """Return the target of a request's action."""
    return next(target for target in TARGETS if target.action == request.action)
