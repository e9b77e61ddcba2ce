"""What a step of a containment is, and what every kind of step can tell about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Any
"""What was read of a place, as JSON has it: objects, lists, texts and numbers."""


class Kind(str, Enum):
    """What a step acts on."""

    SWITCH = "switch"
    """The item of the kill switch's table."""
    SCP = "scp"
    """The attachment of an SCP to a root, an OU or an account."""
    DENY = "deny"
    """The policy that denies all, attached to a role."""
    BOUNDARY = "boundary"
    """A role's permissions boundary."""
    TRUST = "trust"
    """A role's trust policy."""
    APPROVALS = "approvals"
    """Approvals that are asked for, or given and not carried out yet."""
    STACKS = "stacks"
    """Change sets that wait, and updates of stacks that run."""
    REQUESTS = "requests"
    """Requests of Cloud Control that run."""
    BUILDS = "builds"
    """Builds that apply a plan of Terraform."""


@dataclass(frozen=True)
class Step:
    """One step, as data.

    Args:
        kind: What it acts on.
        account: Where.
        region: Where; empty for what has no Region.
        subject: Of what: a role's name, ``POLICY/TARGET`` for an SCP, a target's key, an agent's pattern.
        wanted: What it puts there, as JSON; see the kinds.
        stage: Steps of one stage are read and written down together before any of them changes something; the stages
            come in order.
    """

    kind: Kind
    account: str
    region: str
    subject: str
    wanted: Mapping[str, Any] = field(default_factory=dict)
    stage: int = 0

    @property
    def id(self) -> str:
        """What the step is called in records: the same place has the same id in every containment."""
        return f"{self.kind.value}/{self.account}/{self.region or '-'}/{self.subject}"

    def document(self) -> dict[str, Any]:
        """Return the step as JSON."""
        return {
            "kind": self.kind.value,
            "account": self.account,
            "region": self.region,
            "subject": self.subject,
            "wanted": dict(self.wanted),
            "stage": self.stage,
        }


@dataclass(frozen=True)
class Call:
    """One call, as data.

    Args:
        operation: Name of the client's method, such as ``attach_role_policy``.
        parameters: Its keyword arguments.
    """

    operation: str
    parameters: Mapping[str, Any]

    def send(self, client: Any) -> None:  # noqa: ANN401 - of boto3
        """Make the call; raises what the client raises."""
        getattr(client, self.operation)(**self.parameters)


class Way(Protocol):
    """What a kind of step can do. The four questions are about states alone, and call nothing.

    Attributes:
        service: Whose client it needs; see :class:`~sudo_mcp_guardrails.response.estate.Clients`.
        restorable: Whether what it does can be undone.
    """

    @property
    def service(self) -> str:
        """See above."""
        ...

    @property
    def restorable(self) -> bool:
        """See above."""
        ...

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read what is there now; raises what the client raises, and RecordError for what is not understood."""
        ...

    def holds(self, step: Step, state: State) -> bool:
        """Return whether what is there contains already."""
        ...

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return what to call so that it does."""
        ...

    def left(self, step: Step, prior: State) -> State:
        """Return what containment leaves where there was something else before."""
        ...

    def undo(self, step: Step, prior: State) -> tuple[Call, ...]:
        """Return what to call so that what was there before is there again."""
        ...
