"""The functions of the kill switch, from one asset: what contains, whom people ask, and whom two people ask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets

from sudo_mcp_guardrails.constructs.asset import staged
from sudo_mcp_guardrails.constructs.response import statements as may
from sudo_mcp_guardrails.constructs.response.function import ResponseFunction, ResponseFunctionSpec
from sudo_mcp_guardrails.constructs.statements import tokens
from sudo_mcp_guardrails.response.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.constructs.response.names import ResponseNames
    from sudo_mcp_guardrails.constructs.response.props import OrganizationContainment, Responder
    from sudo_mcp_guardrails.constructs.response.stores import KillSwitchStores
    from sudo_mcp_guardrails.response.levels import Level
    from sudo_mcp_guardrails.response.settings import ResponseSettings

_HANDLERS: Final = ("contain", "contain_decide", "contain_intake")
_MINUTE: Final = 60


@dataclass(frozen=True)
class SwitchParts:
    """What the functions are made from.

    Args:
        stores: Of the kill switch.
        names: Of the kill switch.
        settings: Which agents there are.
        organization: What K3 and K4 attach; None for nothing.
        responders: Who may ask.
        two_people_from: The lowest level whose restoration takes two people; None where none does.
    """

    stores: KillSwitchStores
    names: ResponseNames
    settings: ResponseSettings
    organization: OrganizationContainment | None
    responders: Sequence[Responder]
    two_people_from: Level | None


def code_of(scope: Construct, settings: ResponseSettings) -> assets.Asset:
    """Return the asset of all of them, with the settings at its root."""
    with staged(*_HANDLERS) as directory:
        (Path(directory) / SETTINGS_FILE).write_text(settings.write(), encoding="utf-8")
        return assets.Asset(scope, "Code", path=directory)


def told(scope: Construct, parts: SwitchParts) -> dict[str, str]:
    """Return the variables that the first two functions share."""
    stores, organization = parts.stores, parts.organization
    given: dict[str, Any] = {}
    if organization is not None:
        given = {
            "scps": dict(organization.scps),
            "targets": list(organization.targets),
            "account": organization.account,
        }
    people = {}
    if stores.decisions_key is not None and parts.two_people_from is not None:
        people = {"DECISIONS_KEY": stores.decisions_key.attr_arn, "TWO_PEOPLE_FROM": parts.two_people_from.value}
    return {
        "PREFIX": parts.names.names.prefix,
        "PARTITION": cdk.Aws.PARTITION,
        "ACCOUNT": cdk.Aws.ACCOUNT_ID,
        "SWITCH_TABLE": stores.switch.ref,
        "RECORDS_BUCKET": stores.records.ref,
        "EVIDENCE_TABLE": stores.evidence.ref,
        "EVIDENCE_KEY": stores.signing_key.attr_arn,
        "ORGANIZATION": cdk.Stack.of(scope).to_json_string(given),
        **people,
    }


def responder(scope: Construct, parts: SwitchParts, **shared: Any) -> ResponseFunction:  # noqa: ANN401 - handed on
    """Make the function that contains and restores."""
    agents = parts.settings.agents
    accounts = sorted({account for agent in agents for e in agent.environments for account in e.accounts})
    organization = parts.organization.account if parts.organization else ""
    spec = ResponseFunctionSpec(
        "Responder",
        parts.names.responder,
        "contain",
        "Contains agents, and restores them",
        15 * _MINUTE,
        may.responder(parts.stores, parts.names, accounts, organization),
        told(scope, parts),
    )
    return ResponseFunction(scope, spec, names=parts.names, **shared)


def intake(scope: Construct, parts: SwitchParts, **shared: Any) -> ResponseFunction:  # noqa: ANN401 - handed on
    """Make the function that people ask."""
    callers = [{"pattern": tokens(each.pattern), "restores": each.restores} for each in parts.responders]
    spec = ResponseFunctionSpec(
        "Intake",
        parts.names.intake,
        "contain_intake",
        "Takes in what people ask to be contained or restored",
        30,
        may.intake(parts.names),
        {
            **told(scope, parts),
            "STATE_MACHINE": tokens(parts.names.machine_arn),
            "CALLERS": cdk.Stack.of(scope).to_json_string(callers),
        },
    )
    return ResponseFunction(scope, spec, names=parts.names, **shared)


def decisions(scope: Construct, parts: SwitchParts, **shared: Any) -> ResponseFunction | None:  # noqa: ANN401 - as above
    """Make the function that two people ask; None where no restoration takes two."""
    stores = parts.stores
    if stores.decisions_key is None:
        return None
    people = [
        {"arn": tokens(each.pattern), "person": tokens(each.person), "breakGlass": each.break_glass}
        for each in parts.responders
        if each.restores and each.person
    ]
    key = stores.decisions_key.attr_arn
    spec = ResponseFunctionSpec(
        "Decisions",
        parts.names.decisions,
        "contain_decide",
        "Takes in what two people say before agents are restored",
        30,
        may.decisions(stores, parts.names, key),
        {
            "PREFIX": parts.names.names.prefix,
            "EVIDENCE_TABLE": stores.evidence.ref,
            "RECORDS_BUCKET": stores.records.ref,
            "EVIDENCE_KEY": stores.signing_key.attr_arn,
            "DECISIONS_KEY": key,
            "STATE_MACHINE": tokens(parts.names.machine_arn),
            "PEOPLE": cdk.Stack.of(scope).to_json_string(people),
        },
    )
    return ResponseFunction(scope, spec, names=parts.names, **shared)


def url_of(scope: Construct, id_: str, function: ResponseFunction) -> lambda_.CfnUrl:
    """Return where a function answers, signed requests alone."""
    return lambda_.CfnUrl(scope, id_, auth_type="AWS_IAM", target_function_arn=function.function.attr_arn)
