"""What the functions that contain are told before the deployment: which agents there are, and where they work.

The file lies at the root of their asset. It holds nothing that only the deployment knows, so that one can read
beforehand what can be contained.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.regions import DeclaredRegion, partition_of
from sudo_mcp_guardrails.response.errors import ContainmentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SETTINGS_FILE: Final = "containment_settings.json"
MAX_BYTES: Final = 4_000_000
"""Of the file: some 20,000 agents."""
_ENVIRONMENT: Final = ("name", "accounts", "regions", "prefixes", "isProduction")


@dataclass(frozen=True)
class ResponseSettings:
    """The settings.

    Args:
        agents: The registered agents. Only names, owners, environments and Regions are written down.
        unbound_accounts: Accounts that no SCP binds.
    """

    agents: tuple[Agent, ...]
    unbound_accounts: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return them as JSON."""
        return {
            "agents": {
                agent.name: {
                    "owner": agent.owner,
                    "regions": list(agent.regions),
                    "environments": [
                        {
                            "name": one.name,
                            "accounts": list(one.accounts),
                            "regions": list(one.regions),
                            "prefixes": list(one.prefixes),
                            "isProduction": one.is_production,
                        }
                        for one in agent.environments
                    ],
                }
                for agent in sorted(self.agents, key=lambda agent: agent.name)
            },
            "unboundAccounts": sorted(self.unbound_accounts),
        }

    def write(self) -> str:
        """Return the file's text; the same settings give the same text."""
        return json.dumps(self.document(), indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, text: bytes | str) -> ResponseSettings:
        """Read the file.

        Args:
            text: As :meth:`write` writes it.

        Raises:
            ContainmentError: It is none of this release's.
            InvalidAgentError: An agent in it is none.
        """
        if len(text) > MAX_BYTES:
            raise ContainmentError(f"settings of containment have {len(text)} characters, allowed are {MAX_BYTES}")
        try:
            found = parsed(text, "settings of containment")
            _check_fields(found, ("agents", "unboundAccounts"))
            agents = tuple(_agent(name, one) for name, one in found["agents"].items())
            return cls(agents, tuple(map(str, found["unboundAccounts"])))
        except (PlanError, KeyError, TypeError, AttributeError) as error:
            raise ContainmentError(f"settings of containment are not understood: {str(error)[:200]}") from None


def _check_fields(document: Mapping[str, Any], allowed: Sequence[str]) -> None:
    if set(document) != set(allowed):
        raise KeyError(f"fields {', '.join(sorted(map(str, document)))[:200]}, allowed are {', '.join(allowed)}")


def _agent(name: str, one: Mapping[str, Any]) -> Agent:
    """Return an agent as far as containment needs it: what services it holds is nothing to how it is stopped."""
    return Agent(
        name,
        owner=one["owner"],
        resources=[f"arn:*:s3:::{name}-*"],
        regions=_regions(one["regions"]),
        environments=[_environment(each) for each in one["environments"]],
    )


def _environment(one: Mapping[str, Any]) -> AgentEnvironment:
    _check_fields(one, _ENVIRONMENT)
    return AgentEnvironment(
        one["name"],
        accounts=one["accounts"],
        regions=_regions(one["regions"]),
        prefixes=one["prefixes"],
        is_production=one["isProduction"],
    )


def _regions(names: Sequence[str]) -> list[str]:
    """Return Regions, with those that are newer than this release as declared: they were when the file was written."""
    partitions = [found for name in names if (found := partition_of(name)) is not None]
    other = partitions[0] if partitions else "aws"
    return [name if partition_of(name) is not None else DeclaredRegion(name, other) for name in names]
