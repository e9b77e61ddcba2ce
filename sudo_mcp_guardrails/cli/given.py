"""Policies given as files, as one principal that the prover can be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.inputs import read_policy
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.iam.properties import Property, Subject

CAPABILITY: Final = "given"
"""Stands where an agent's role has its capability."""
_PARTITION: Final = "aws"
DEFAULT_PRINCIPAL: Final = f"arn:{_PARTITION}:iam::111111111111:role/agent"
_PARTS: Final = 6
_ALLOW_ALL: Final = PolicyDocument(
    "FullAWSAccess", (Statement(sid="FullAWSAccess", effect="Allow", actions=("*",), resources=("*",)),)
)


@dataclass(frozen=True)
class Given:
    """Policy files by layer.

    Args:
        identity: Identity policies; without any, one that allows everything, so that the other layers are asked.
        boundary: The permissions boundary.
        session: Session policies.
        scps: Service control policies, all of one level. Where none of them allows anything, FullAWSAccess, which
            AWS attaches everywhere, stands beside them.
        principal: ARN of the role or user.
        resource_policies: See :class:`~sudo_mcp_guardrails.iam.facts.Facts`.
    """

    identity: Sequence[Path] = ()
    boundary: Path | None = None
    session: Sequence[Path] = ()
    scps: Sequence[Path] = ()
    principal: str = DEFAULT_PRINCIPAL
    resource_policies: str = "worst"

    @property
    def any(self) -> bool:
        """Whether any file was given."""
        return bool(self.identity or self.boundary or self.session or self.scps)

    def subject(self, report: Callable[[str], None]) -> Subject:
        """Read the files.

        Args:
            report: Told what is assumed.

        Raises:
            InputError: A file that cannot be read, or a principal that is no role or user.
            PolicyError: A file that holds no policy; with the JSON path.
        """
        from sudo_mcp_guardrails.iam.facts import Facts
        from sudo_mcp_guardrails.iam.layers import Layers
        from sudo_mcp_guardrails.iam.properties import Subject
        from sudo_mcp_guardrails.iam.request import Principal

        parts = self.principal.split(":")
        if len(parts) != _PARTS or parts[0] != "arn" or not parts[5].startswith(("role/", "user/")):
            raise InputError(
                f"principal {self.principal!r} is not allowed, expected the ARN of a role (with its path) or a user, "
                f"such as {DEFAULT_PRINCIPAL!r}"
            )
        identity = tuple(read_policy(path).document for path in self.identity)
        if not identity:
            report("no --identity: the identity policies are taken to allow everything")
        scps = tuple(read_policy(path).document for path in self.scps)
        if scps and not any(s.effect == "Allow" for document in scps for s in document.statements):
            report("no --scp allows anything: FullAWSAccess, which AWS attaches everywhere, is added")
            scps = (_ALLOW_ALL, *scps)
        layers = Layers(
            identity=identity or (_ALLOW_ALL,),
            boundary=None if self.boundary is None else read_policy(self.boundary).document,
            session=tuple(read_policy(path).document for path in self.session) or None,
            scps=(scps,) if scps else (),
        )
        kind, _, name = parts[5].partition("/")
        return Subject(
            agent=name.rpartition("/")[2],
            capability=CAPABILITY,
            layers=layers,
            facts=Facts(
                principal=Principal(arn=self.principal, session="session" if kind == "role" else None),
                partition=parts[1],
                resource_policies=self.resource_policies,
            ),
            source=str(next(path for path in (*self.identity, self.boundary, *self.session, *self.scps) if path)),
        )


def escalations() -> tuple[Property, ...]:
    """Return what is asked about policies of which no agent is known: every known way to more permissions."""
    from sudo_mcp_guardrails.iam.escalation import escalation_paths
    from sudo_mcp_guardrails.iam.properties import Property

    return tuple(
        Property(id=f"escalation/{path.id}", title=path.title, steps=path.steps, sources=path.sources)
        for path in escalation_paths()
    )
