"""What an agent owns, written into the template beside its roles, so that a template alone suffices for a proof."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agent_checks import InvalidAgentError
from sudo_mcp_guardrails.iam.assembly import TemplateError
from sudo_mcp_guardrails.policies.capabilities.build import uses
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.iam.assembly import Template
    from sudo_mcp_guardrails.policies.scope import AgentScope

_KEY: Final = "sudo-mcp-guardrails::"
_ARN: Final = re.compile(r"arn:(?:[^:$]|\$\{[^}]*\})+:[a-z0-9-]+:(?:[^:$]|\$\{[^}]*\})*:(?:[^:$]|\$\{[^}]*\})*:.+")
"""Six parts; a placeholder has colons of its own. A service that is no wildcard: nobody owns all services."""


@dataclass(frozen=True)
class Declaration:
    """What a template says about one of its agents.

    Args:
        agent: Name of the agent.
        names: Names of the guardrails' own resources.
        regions: (accounts, Regions) pairs; ``${AWS::Region}`` stands for the Region of the deployment.
        own: ARN patterns of what the agent may change, with pseudo parameters.
        services: Its services.
        sensitive_reads: Classes of sensitive reads that it opted into.
        broker: Who mints its read and plan sessions: JSON text ``{"in": FILE, "arn": VALUE}``, the ARN as a value of
            the template of that file, of the same one where the name is empty. Empty: nobody.
        apply_broker: Who mints its apply sessions, likewise.
        direct: ARNs of those who may assume read and plan without a broker.
        terraform: ARN patterns of what the build uses that applies its Terraform plans. Empty: there is none, and
            CloudFormation has the execution role.
    """

    agent: str
    names: GuardrailNames
    regions: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    own: tuple[str, ...]
    services: tuple[str, ...] = ()
    sensitive_reads: tuple[str, ...] = ()
    broker: str = ""
    apply_broker: str = ""
    direct: tuple[str, ...] = ()
    terraform: tuple[str, ...] = ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that the agent works in."""
        return tuple(account for accounts, _ in self.regions for account in accounts)

    @property
    def path(self) -> str:
        """Path of the agent's roles."""
        return self.names.role_path(self.agent)


def declaration(
    scope: AgentScope, *, broker: str = "", apply_broker: str = "", direct: tuple[str, ...] = ()
) -> Declaration:
    """Return what is declared of an agent in its account, and of who may become it."""
    return Declaration(
        agent=scope.agent.name,
        names=scope.names,
        regions=scope.regions(),
        # The same list that the boundary leaves open for changes.
        own=(*scope.all_own, *scope.log_groups, *scope.transforms),
        services=scope.services,
        sensitive_reads=tuple(sorted(kind.value for kind in scope.agent.sensitive_reads)),
        broker=broker,
        apply_broker=apply_broker,
        direct=direct,
        terraform=uses(scope),
    )


def to_metadata(declared: Declaration) -> tuple[str, dict[str, Any]]:
    """Return the key and the value for the ``Metadata`` of a template.

    Pseudo parameters stay as they are written in the library's policies: CloudFormation replaces nothing here.
    """
    value: dict[str, Any] = {
        "agent": declared.agent,
        "prefix": declared.names.prefix,
        "regions": [{"accounts": list(a), "regions": list(r)} for a, r in declared.regions],
        "own": list(declared.own),
        "services": list(declared.services),
        "sensitiveReads": list(declared.sensitive_reads),
        "broker": declared.broker,
        "applyBroker": declared.apply_broker,
        "direct": list(declared.direct),
    }
    if declared.terraform:
        value["terraform"] = list(declared.terraform)
    return f"{_KEY}{declared.path}", value


def declarations(templates: Iterable[Template]) -> tuple[tuple[Template, Declaration], ...]:
    """Return what an app's templates declare, each with its template.

    Raises:
        TemplateError: For a declaration that is not understood.
    """
    return tuple(
        (template, _from_metadata(template, key, value))
        for template in templates
        for key, value in template.body.get("Metadata", {}).items()
        if key.startswith(_KEY)
    )


def _from_metadata(template: Template, key: str, raw: object) -> Declaration:
    """Read one declaration."""
    place = f"template {template.name!r}: Metadata.{key}"
    if not isinstance(raw, dict) or not isinstance(raw.get("agent"), str) or not isinstance(raw.get("prefix"), str):
        raise TemplateError(f"{place}: expected an object with agent and prefix, got {str(raw)[:60]}")
    regions = raw.get("regions")
    if not isinstance(regions, list) or not all(isinstance(pair, dict) for pair in regions):
        raise TemplateError(f"{place}.regions: expected a list of objects, got {str(regions)[:60]}")
    try:
        names = GuardrailNames(raw["prefix"])
    except InvalidAgentError as error:
        raise TemplateError(f"{place}.prefix: {error}") from None
    return Declaration(
        agent=raw["agent"],
        names=names,
        regions=tuple(
            (_strings(pair.get("accounts"), f"{place}.accounts"), _strings(pair.get("regions"), f"{place}.regions"))
            for pair in regions
        ),
        own=_arns(raw.get("own"), f"{place}.own"),
        services=_strings(raw.get("services"), f"{place}.services"),
        sensitive_reads=_strings(raw.get("sensitiveReads"), f"{place}.sensitiveReads"),
        # Left out by earlier releases: then nobody may.
        broker=_strings([raw.get("broker", "")], f"{place}.broker")[0],
        apply_broker=_strings([raw.get("applyBroker", "")], f"{place}.applyBroker")[0],
        direct=_strings(raw.get("direct", []), f"{place}.direct"),
        terraform=_arns(raw.get("terraform", []), f"{place}.terraform"),
    )


def _arns(raw: object, place: str) -> tuple[str, ...]:
    found = _strings(raw, place)
    wrong = next((item for item in found if not _ARN.match(item)), None)
    if wrong is not None:
        raise TemplateError(f"{place}: expected ARN patterns of six parts with a service, got {wrong!r}")
    return found


def _strings(raw: object, place: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        raise TemplateError(f"{place}: expected a list of strings, got {str(raw)[:60]}")
    return tuple(raw)
