"""What the gateway's constructs are given: images, lanes, tokens, and what lies behind the guard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ecr as ecr

    from sudo_mcp_guardrails.constructs.isolated_mcp_server import IsolatedMcpServer

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_AGENT: Final = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
_TICKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/=+@-]{0,63}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
_DOMAIN: Final = re.compile(r"(?=.{4,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_FOLDER: Final = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._-]*)+")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_LONGEST_URL: Final = 256
"""What a load balancer takes for an issuer or for the place of its keys."""


class McpGatewayError(GuardrailsError):
    """Props of the gateway's constructs that are not allowed, or contradict each other."""


@dataclass(frozen=True)
class McpImage:
    """A container image in ECR, pinned by its digest: a task without a way to the internet gets it from there alone.

    Args:
        repository: The repository.
        digest: Of the image, as ``sha256:`` and 64 hexadecimal digits. A tag can be moved, a digest cannot.

    Raises:
        McpGatewayError: For a digest of another form.
    """

    repository: ecr.IRepository
    digest: str

    def __post_init__(self) -> None:
        """Validate."""
        if not _DIGEST.fullmatch(self.digest):
            raise McpGatewayError(
                f"image digest {self.digest[:80]!r} is not allowed, expected sha256: and 64 hex digits"
            )

    @property
    def uri(self) -> str:
        """What a task definition takes."""
        return f"{self.repository.repository_uri}@{self.digest}"


@dataclass(frozen=True)
class McpTokens:
    """The authorization server whose access tokens the guard takes: RS256-signed JWTs.

    Args:
        issuer: What the tokens' ``iss`` must be, an ``https`` URL.
        jwks: Where its keys are, an ``https`` URL that the load balancer and the guard reach.

    Raises:
        McpGatewayError: For a URL of another form, or longer than 256 characters.
    """

    issuer: str
    jwks: str

    def __post_init__(self) -> None:
        """Validate."""
        for name, url in (("issuer", self.issuer), ("jwks", self.jwks)):
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname or parts.username or len(url) > _LONGEST_URL:
                raise McpGatewayError(f"{name} {url[:80]!r} is not allowed, expected an https URL without a user")


@dataclass(frozen=True)
class GuardLane:
    """One guard of a gateway: for one agent and one capability, with a host name, a task and a task role of its own.

    The agent chooses none of these. Its token must have the lane's scope, and the guard behind it asks the session
    broker for this agent and this capability alone.

    Args:
        agent: Name of the agent.
        capability: READ or PLAN. Apply sessions are minted for approved plans by the approval's broker alone.
        ticket: What the broker's sessions carry as their ticket.
        scope: What a token must have in ``scope``. Default: ``mcp:<agent>:<capability>``.

    Raises:
        McpGatewayError: For a name, ticket or scope of another form, and for APPLY.
    """

    agent: str
    capability: Capability
    ticket: str
    scope: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        if not _AGENT.fullmatch(self.agent):
            raise McpGatewayError(f"agent {self.agent!r} is not allowed, expected the name of one agent")
        if self.capability not in {Capability.READ, Capability.PLAN}:
            raise McpGatewayError(
                f"capability {self.capability!r} is not allowed in a lane, expected Capability.READ or PLAN: "
                "apply sessions are minted for approved plans alone"
            )
        if not _TICKET.fullmatch(self.ticket):
            raise McpGatewayError(
                f"ticket {self.ticket!r} is not allowed, expected 1 to 64 of letters, digits, _.:/=+@-"
            )
        if not _SCOPE.fullmatch(self.needed_scope):
            raise McpGatewayError(f"scope {self.scope!r} is not allowed, expected one OAuth scope without spaces")

    @property
    def name(self) -> str:
        """Agent and capability, as names and ids of resources carry them."""
        return f"{self.agent}-{self.capability.value}"

    @property
    def needed_scope(self) -> str:
        """What a token must have."""
        return self.scope or f"mcp:{self.agent}:{self.capability.value}"

    def host(self, domain: str) -> str:
        """Return the lane's host name: one label under the gateway's domain, so that one certificate serves all."""
        return f"{self.name}.{domain}"


@dataclass(frozen=True)
class Upstream:
    """The MCP server behind the guard.

    Args:
        url: Its endpoint.
        sign: ``SERVICE/REGION``: the guard signs its requests by SigV4 with the session's credentials. Default: not.
        server: The isolated server, where it is one.
        name: Its name in the lock file, in records and in questions.
    """

    url: str
    sign: str = ""
    server: IsolatedMcpServer | None = None
    name: str = "upstream"

    @classmethod
    def aws(cls, region: str) -> Upstream:
        """Return the AWS MCP Server.

        Args:
            region: Of its endpoint, which is not where it acts.

        Raises:
            McpGatewayError: For a Region of another form.
        """
        if not _REGION.fullmatch(region):
            raise McpGatewayError(f"Region {region!r} is not allowed, expected one such as eu-central-1")
        return cls(f"https://aws-mcp.{region}.api.aws/mcp", f"aws-mcp/{region}", name="aws-mcp")

    @classmethod
    def isolated(cls, server: IsolatedMcpServer) -> Upstream:
        """Return a server of :class:`IsolatedMcpServer`; the gateway opens the way to it."""
        return cls(server.url, server=server, name=server.name)

    @classmethod
    def https(cls, url: str, *, name: str) -> Upstream:
        """Return a server elsewhere.

        Args:
            url: Its endpoint.
            name: Its name in the lock file, in records and in questions.

        Raises:
            McpGatewayError: For a URL that is not ``https``, or has a user.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username:
            raise McpGatewayError(f"upstream {url[:80]!r} is not allowed, expected an https URL without a user")
        return cls(url, name=name)


def check_lanes(
    lanes: Sequence[GuardLane], domain: str, configurations: str, checks: Sequence[str]
) -> tuple[GuardLane, ...]:
    """Return the lanes.

    Raises:
        McpGatewayError: For none, two of one agent and capability, or a domain, folder or check of another form.
    """
    if not lanes:
        raise McpGatewayError("a gateway without lanes is not allowed, expected at least one GuardLane")
    names = [lane.name for lane in lanes]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise McpGatewayError(f"lane {doubles[0]!r} is given twice, expected one for each agent and capability")
    if not _FOLDER.fullmatch(configurations):
        raise McpGatewayError(f"folder {configurations!r} is not allowed, expected an absolute path in the image")
    for check in checks:
        if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", check):
            raise McpGatewayError(f"check {check!r} is not allowed, expected MODULE:NAME")
    if not _DOMAIN.fullmatch(domain):
        raise McpGatewayError(f"domain {domain!r} is not allowed, expected a domain name in lower case")
    return tuple(lanes)
