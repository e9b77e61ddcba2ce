"""A deployed approval workflow on the embedded AWS, from all its sides: the agent's, the people's, the account's."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.local.approvals.page import Page
from sudo_mcp_guardrails.local.approvals.people import AUDIENCE, GROUPS, HOST_ROLE, REQUESTER
from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.function_urls import call_function_url
from sudo_mcp_guardrails.local.oidc.people import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.local.oidc.provider import OidcProvider

_OK: Final = 200
_ACCEPTED: Final = 202
_SECONDS: Final = 60.0
_PAUSE: Final = 0.1


class SiteError(GuardrailsError):
    """The workflow did not do what it is there for; the message says how far it came."""


@dataclass
class Site:
    """One deployed workflow.

    Args:
        aws: The embedded AWS.
        outputs: Of the stack that `add_workflow` made.
        provider: Where people sign in; the policy's issuer.
        account: Of the stack.
        region: Of the stack.
    """

    aws: EmbeddedAws
    outputs: Mapping[str, str]
    provider: OidcProvider
    account: str
    region: str
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        """Make the page's client."""
        self.page = Page(self.aws.endpoint_url, self.outputs["PageUrl"], self.provider)

    def set_up(self) -> None:
        """Fill the directory, and have the provider know the page."""
        self.provider.register(Client(AUDIENCE, self.page.redirects))
        dynamodb = self.of("dynamodb")
        for name, groups in GROUPS.items():
            item = {"identity": {"S": f"{self.provider.issuer}#{name}"}, "groups": {"SS": list(groups)}}
            dynamodb.put_item(TableName=self.outputs["PeopleTable"], Item=item)

    def of(self, service: str, session: Any = None) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return a client of the account's administrators, or of a session."""
        if session is None:
            return self.aws.client(service, account=self.account)
        return clients.client(service, self.aws.endpoint_url, session)

    def host(self, person: str = REQUESTER) -> Any:  # noqa: ANN401 - as above
        """Return the session of the agent's machine, named by the person at it."""
        # Root may not assume roles at AWS; here it stands for the account's own administrators.
        answer = self.of("sts").assume_role(
            RoleArn=f"arn:aws:iam::{self.account}:role/{HOST_ROLE}", RoleSessionName=person
        )
        return clients.assumed(answer["Credentials"], self.region)

    def session(self, agent: str, capability: str, ticket: str = "OPS-1") -> Any:  # noqa: ANN401 - as above
        """Return a session of the agent, minted by the session broker.

        Raises:
            SiteError: The broker refuses it.
        """
        wish = {"agent": agent, "capability": capability, "ticket": ticket}
        status, body = call_function_url(
            self.aws.endpoint_url, self.outputs["BrokerUrl"], self.host(), wish, region=self.region
        )
        if status != _OK:
            raise SiteError(f"the broker refused a {capability} session of {agent!r}: {status} {body}")
        return clients.session(body["AccessKeyId"], body["SecretAccessKey"], body["SessionToken"], self.region)

    def propose(self, session: Any, proposal: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - as above
        """Propose a plan at the intake's URL, and return what it answers."""
        url = self.outputs["IntakeUrl"]
        return call_function_url(self.aws.endpoint_url, url, session, proposal, path="/approvals", region=self.region)

    def proposed(self, session: Any, proposal: Mapping[str, Any]) -> str:  # noqa: ANN401 - as above
        """Propose a plan, wait until people can see it, and return its id.

        Raises:
            SiteError: It is refused, or nobody can see it in time.
        """
        status, body = self.propose(session, proposal)
        if status != _ACCEPTED:
            raise SiteError(f"the intake refused a proposal: {status} {body}")
        approval = str(body["approval"])
        self.wait(approval, lambda: self.task_token(approval) is not None, "people are waited for")
        return approval

    def wait(self, approval: str, done: Callable[[], bool], what: str) -> None:
        """Wait until something holds; raises SiteError where it does not in a minute, or the execution ended before."""
        started = time.monotonic()
        while not done():
            state = self.execution(approval)
            late = time.monotonic() - started > _SECONDS
            if late or (state["status"] != "RUNNING" and not done()):
                kinds = [record.kind for record in self.records(approval)]
                said = f"{state['status']} {state.get('error', '')} {state.get('cause', '')[:300]}".strip()
                recorded = ", ".join(kinds) or "nothing"
                raise SiteError(f"approval {approval!r} did not come so far that {what}: {said}, recorded: {recorded}")
            time.sleep(_PAUSE)

    def ended(self, approval: str) -> str:
        """Wait until the workflow of an approval has ended, and return the kinds of its records."""
        started = time.monotonic()
        while self.execution(approval)["status"] == "RUNNING":
            if time.monotonic() - started > _SECONDS:
                kinds = [record.kind for record in self.records(approval)]
                raise SiteError(f"approval {approval!r} did not end in {_SECONDS:.0f} s, recorded: {', '.join(kinds)}")
            time.sleep(_PAUSE)
        return ", ".join(record.kind for record in self.records(approval))

    def execution(self, approval: str) -> dict[str, Any]:
        """Return how the execution of an approval stands."""
        arn = f"{self.outputs['StateMachine'].replace(':stateMachine:', ':execution:')}:{approval}"
        return dict(self.of("stepfunctions").describe_execution(executionArn=arn))

    def task_token(self, approval: str) -> str | None:
        """Return the task token that is waited with, as an administrator of the account can read it."""
        found = self.of("dynamodb").get_item(
            TableName=self.outputs["TokensTable"], Key={"approval": {"S": approval}}, ConsistentRead=True
        )
        return str(found["Item"]["token"]["S"]) if "Item" in found else None

    def records(self, chain: str) -> list[Record]:
        """Return what is recorded in a chain, in order; raises EvidenceError where it cannot be read."""
        store = EvidenceStore(
            self.of("dynamodb"),
            self.of("s3"),
            self.outputs["EvidenceTable"],
            self.outputs["EvidenceBucket"],
            _NoSigner(),
        )
        return list(store.records(chain))


class _NoSigner:
    """Signs nothing: what only reads appends nothing."""

    key_id = "none"

    def sign(self, digest: bytes) -> bytes:
        """Refuse."""
        raise EvidenceError(f"nothing is signed here, not even {json.dumps(digest.hex())}")
