"""The settings of a deployed workflow: the file ``approval_settings.json`` at the root of the functions' assets.

They hold nothing that is known only at deployment, so that one can read beforehand what will decide.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import AgentEnvironment, SensitiveRead
from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
from sudo_mcp_guardrails.approval.errors import ApprovalError, DecisionError
from sudo_mcp_guardrails.approval.store.trust_policy import read_trust_policy
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy

SETTINGS_FILE: Final = "approval_settings.json"
LEVELS_FILE: Final = "approval_levels.txt"
_FIELDS: Final = ("policy", "trust", "agents", "names", "fingerprints", "terraform", "relyingParty")
_AGENT: Final = ("owner", "environments", "own", "sensitiveReads")
_ENVIRONMENT: Final = ("name", "accounts", "regions", "prefixes", "isProduction")


@dataclass(frozen=True)
class AgentSettings:
    """What the workflow knows of an agent.

    Attributes:
        owner: the person or team that answers for it.
        environments: where it works; one without Regions is of the Region that the workflow runs in.
        own: ARN patterns of what it owns.
        sensitive_reads: that it opted into.
    """

    owner: str
    environments: tuple[AgentEnvironment, ...]
    own: tuple[str, ...] = ()
    sensitive_reads: tuple[SensitiveRead, ...] = ()

    def environment(self, name: str) -> AgentEnvironment | None:
        """Return the environment of a name; None where the agent has none like it."""
        return next((one for one in self.environments if one.name == name), None)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "owner": self.owner,
            "environments": [
                {
                    "name": one.name,
                    "accounts": list(one.accounts),
                    "regions": list(one.regions),
                    "prefixes": list(one.prefixes),
                    "isProduction": one.is_production,
                }
                for one in self.environments
            ],
            "own": list(self.own),
            "sensitiveReads": [one.value for one in self.sensitive_reads],
        }


@dataclass(frozen=True)
class ApprovalSettings:
    """The settings.

    Attributes:
        policy: that decides.
        agents: by name.
        prefix: of the names of the guardrails' own resources.
        trust: the policy of trust; None where no agent earns any, and people decide everything but R0.
        fingerprints: of agents, by name; an agent without one earns nothing.
        terraform: settings of the build that applies Terraform plans, as the broker reads them; None for none.
        relying_party: ``id`` and ``origins`` of WebAuthn; None where no assertions are taken.
    """

    policy: ApprovalPolicy
    agents: Mapping[str, AgentSettings]
    prefix: str
    trust: TrustPolicy | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    terraform: Mapping[str, Any] | None = None
    relying_party: Mapping[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "policy": self.policy.document(),
            "trust": self.trust.document() if self.trust else None,
            "agents": {name: agent.document() for name, agent in sorted(self.agents.items())},
            "names": {"prefix": self.prefix},
            "fingerprints": {name: self.fingerprints.get(name, "") for name in sorted(self.agents)},
            "terraform": self.terraform,
            "relyingParty": self.relying_party,
        }

    def write(self) -> str:
        """Return the file's text; the same settings give the same text."""
        return json.dumps(self.document(), indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, text: bytes | str, region: str = "") -> ApprovalSettings:
        """Read the file.

        Args:
            text: what :meth:`write` wrote.
            region: of environments that name none.

        Raises:
            DecisionError: it is no such file.
        """
        try:
            return _settings(parsed(text, SETTINGS_FILE), region)
        except ApprovalError as error:
            raise DecisionError(f"{SETTINGS_FILE}: {error}") from None
        except (GuardrailsError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise DecisionError(f"{SETTINGS_FILE} cannot be read: {error!r}") from None


def _settings(document: Any, region: str) -> ApprovalSettings:  # noqa: ANN401 - JSON
    _check(document, _FIELDS, "the settings")
    return ApprovalSettings(
        policy=ApprovalPolicy.from_document(document["policy"]),
        agents={str(name): _agent(str(name), one, region) for name, one in document["agents"].items()},
        prefix=str(document["names"]["prefix"]),
        trust=None if document["trust"] is None else read_trust_policy(document["trust"]),
        fingerprints={str(name): str(one) for name, one in document["fingerprints"].items()},
        terraform=document["terraform"],
        relying_party=document["relyingParty"],
    )


def _agent(name: str, document: Any, region: str) -> AgentSettings:  # noqa: ANN401 - JSON
    _check(document, _AGENT, f"agent {name!r}")
    environments = []
    for one in document["environments"]:
        _check(one, _ENVIRONMENT, f"an environment of {name!r}")
        regions = tuple(one["regions"]) or ((region,) if region else ())
        if type(one["isProduction"]) is not bool:
            raise DecisionError(f"isProduction of an environment of {name!r} is no truth value")
        environments.append(
            AgentEnvironment(
                one["name"], tuple(one["accounts"]), regions, tuple(one["prefixes"]), is_production=one["isProduction"]
            )
        )
    return AgentSettings(
        owner=str(document["owner"]),
        environments=tuple(environments),
        own=tuple(map(str, document["own"])),
        sensitive_reads=tuple(SensitiveRead(one) for one in document["sensitiveReads"]),
    )


def _check(document: object, names: tuple[str, ...], what: str) -> None:
    if not isinstance(document, dict) or set(document) != set(names):
        raise DecisionError(f"{what} must have {', '.join(names)}, and nothing else")
