"""Calls that are really made, each with its session's mark in the user agent, by which its event is found again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign.agents import ACCOUNT, HOST_ROLE, REGION
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.function_urls import call_function_url

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

MARK: Final = "work/"
_MCP: Final = "mcp-guardrails-via/aws-mcp.amazonaws.com"
"""What has the embedded AWS set the keys of a call that an MCP server of AWS makes."""
_OK: Final = 200


@dataclass
class Caller:
    """Makes calls, one after the other.

    Clients are made once for each service and Region, and given other credentials: making one takes longer than ten
    calls.

    Args:
        aws: the embedded AWS.
        broker_url: of the session broker.
    """

    aws: EmbeddedAws
    broker_url: str
    calls: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    session: str = ""
    mcp: bool = False
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _held: dict[str, Any] = field(default_factory=dict)
    _host: Any = None

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3 has no types
        found = self._clients.get((service, region))
        if found is None:
            session = self._held.get(region)
            if session is None:
                session = self._held[region] = clients.session(ACCOUNT, region=region)
            found = self._clients[service, region] = clients.client(service, self.aws.endpoint_url, session)
            found.meta.events.register("before-sign", self._marked)
        return found

    def _marked(self, request: Any, **_: Any) -> None:  # noqa: ANN401 - as above
        if self.session:
            request.headers["User-Agent"] = f"{_MCP if self.mcp else 'benign'} {MARK}{self.session}"

    def use(self, credentials: Mapping[str, Any] | None) -> None:
        """Go on with an STS answer's credentials, or with an access key's; None for the account's root."""
        given = credentials or {"AccessKeyId": ACCOUNT, "SecretAccessKey": "test"}
        for session in (*self._held.values(), self._root_like()):
            held = session.get_credentials()
            held.access_key, held.secret_key = given["AccessKeyId"], given["SecretAccessKey"]
            held.token = given.get("SessionToken")

    def _root_like(self) -> Any:  # noqa: ANN401 - as above
        if REGION not in self._held:
            self._held[REGION] = clients.session(ACCOUNT, region=REGION)
        return self._held[REGION]

    def call(self, service: str, operation: str, *, region: str = REGION, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        """Make a call; return the answer, empty where it was refused: work goes on after an error."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to import

        self.calls += 1
        try:
            found = getattr(self._client(service, region), operation)(**parameters)
        except ClientError as error:
            self.outcomes[f"{service}.{operation}: {error.response['Error']['Code']}"] += 1
            return {}
        except BotoCoreError as error:
            raise GuardrailsError(f"{service}.{operation} does not take {sorted(parameters)}: {error}") from None
        self.outcomes["ok"] += 1
        return dict(found)

    def assume(self, role: str, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        """Assume a role with the credentials that are held; return the new ones, which nobody holds yet."""
        answer = self.call("sts", "assume_role", RoleArn=role, RoleSessionName=name, **more)
        if not answer:
            raise GuardrailsError(f"role {role!r} cannot be assumed, expected one that trusts its own account")
        return dict(answer["Credentials"])

    def ask_broker(self, wish: Mapping[str, str]) -> dict[str, Any]:
        """Have the session broker mint a session of an agent.

        Raises:
            GuardrailsError: it refuses.
        """
        if self._host is None:
            answer = self.aws.client("sts", account=ACCOUNT).assume_role(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{HOST_ROLE}", RoleSessionName="host"
            )
            self._host = clients.assumed(answer["Credentials"], REGION)
        status, body = call_function_url(self.aws.endpoint_url, self.broker_url, self._host, wish, region=REGION)
        self.calls += 1
        if status != _OK:
            raise GuardrailsError(f"the broker refused {dict(wish)}: {status} {body}")
        return body


@dataclass
class Work:
    """One session's hands.

    Args:
        caller: makes the calls.
        draw: decides.
        number: of the session; what it makes is named by it.
    """

    caller: Caller
    draw: random.Random
    number: int

    def __call__(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        """Make a call; see :meth:`Caller.call`."""
        return self.caller.call(service, operation, **parameters)

    def named(self, text: str) -> str:
        """Return a name that no other session gives."""
        return f"{text}-{self.number:06}"

    def chance(self, part: float) -> bool:
        """Tell whether this time it happens."""
        return self.draw.random() < part

    def some(self, *names: str) -> str:
        """Draw one."""
        return self.draw.choice(names)

    def times(self, least: int, most: int) -> range:
        """Draw how often."""
        return range(self.draw.randint(least, most))
