"""What is known about the requests that a proof is about. What is not stated is free: the worst case."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.iam.request import Principal

Values = tuple[str, ...]

RESOURCE_POLICIES: Final = ("worst", "none")
"""What is assumed of resource policies that are not given."""

_FREE: Final = frozenset({"aws:securetransport", "aws:viaawsmcpservice"})
"""Keys that an ordinary request has with a usual value, but that its sender decides on."""
_SECOND_FACTOR: Final = frozenset({"aws:multifactorauthpresent", "aws:multifactorauthage"})
_OF_THE_SESSION: Final = ("aws:principal", "aws:sourceidentity", "aws:tokenissuetime", "aws:userid", "aws:username")


class FactsError(GuardrailsError):
    """Facts that no proof can start from."""


@dataclass(frozen=True)
class Facts:
    """What is known.

    Args:
        principal: Who calls. Its ARN, account and type are known; its tags, SourceIdentity and second factor where
            they are given, else they are free.
        known: Condition key to the alternatives that it can have; None is its absence. Case of keys does not
            count.
        partition: Of all ARNs.
        resource_policies: ``"worst"``: any resource of the principal's own account may have a policy that names
            the session, which no boundary or session policy limits, and any other account allows everything.
            ``"none"``: resource policies leave all to the principal's own, and no other account allows anything.
            A resource policy among the layers is taken instead of either.

    Raises:
        FactsError: For a service as the principal, which no identity policy concerns, or an unknown assumption.
    """

    principal: Principal
    known: Mapping[str, tuple[str | Values | None, ...]] = field(default_factory=dict)
    partition: str = "aws"
    resource_policies: str = "worst"

    def __post_init__(self) -> None:
        """Validate."""
        if self.principal.is_service:
            raise FactsError(f"principal {self.principal.arn!r} is a service, expected the ARN of a role or user")
        if self.resource_policies not in RESOURCE_POLICIES:
            raise FactsError(
                f"resource policies {self.resource_policies!r} are not known, expected one of "
                f"{', '.join(RESOURCE_POLICIES)}"
            )

    @cached_property
    def alternatives(self) -> Mapping[str, tuple[Values, ...]]:
        """Keys in lower case with the values they can have; ``()`` is absence. All others are free."""
        left_out = _FREE | (_SECOND_FACTOR if self.principal.mfa_age is None else frozenset())
        found: dict[str, tuple[Values, ...]] = {
            key: (values,) for key, values in self.principal.keys.items() if key not in left_out
        }
        for key, options in self.known.items():
            found[key.lower()] = tuple(
                () if option is None else (option,) if isinstance(option, str) else option for option in options
            )
        return found

    @cached_property
    def fixed(self) -> Mapping[str, Values]:
        """Keys in lower case of which one value, or their absence, is known."""
        return {key: options[0] for key, options in self.alternatives.items() if len(options) == 1}

    @cached_property
    def present(self) -> Mapping[str, Values]:
        """The fixed keys that are there."""
        return {key: values for key, values in self.fixed.items() if values}


def of_session(key: str) -> bool:
    """Return whether a key has one value for all requests of a session, rather than one for each request."""
    return key.startswith(_OF_THE_SESSION)
