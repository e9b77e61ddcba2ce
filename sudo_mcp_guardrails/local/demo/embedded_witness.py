"""What the embedded AWS says about a play: the request is really made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT
from sudo_mcp_guardrails.local.embedded import clients, probes

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.demo.play import Play
    from sudo_mcp_guardrails.local.demo.sessions import Sessions

_DENIALS: Final = {
    *("AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"),
    *("UnauthorizedOperation", "403", "AccessDeniedForDependencyException"),
}
_MCP_MARKER: Final = "mcp-guardrails-via/aws-mcp.amazonaws.com"
_STACK_SECONDS: Final = 30.0
_OK: Final = 200
_FORBIDDEN: Final = 403
_BAD: Final = 400


@dataclass
class EmbeddedWitness:
    """Plays requests against the embedded AWS.

    Args:
        sessions: The actors' sessions.
    """

    sessions: Sessions

    def decide(self, play: Play) -> tuple[str | None, str]:
        """Make the request.

        Returns:
            ``allow`` where it succeeded, ``deny`` where it was refused for want of permission, None where
            something else went wrong, which shows nothing; and the error's text.
        """
        if not play.service:
            return None, ""
        if play.service == "probe":
            return self._probe(play)
        if play.service == "broker":
            return self._broker(play)
        if play.service == "stack":
            return self._stack(play)
        return self._call(play)

    def _client(self, play: Play, service: str, capability: str | None = None) -> Any:  # noqa: ANN401 - boto3 has no types
        session = self.sessions.of(play.agent, capability or play.capability)
        config = {"user_agent_extra": _MCP_MARKER} if play.via_mcp else {}
        held = session.get_credentials()
        deaf = clients.session(held.access_key, held.secret_key, held.token, play.region)
        return clients.client(service, self.sessions.aws.endpoint_url, deaf, **config)

    def _call(self, play: Play) -> tuple[str | None, str]:
        from botocore.exceptions import ClientError, WaiterError  # noqa: PLC0415 - slow to import

        client = self._client(play, play.service)
        endpoint = self.sessions.aws.endpoint_url
        params = {
            key: value.replace("{endpoint}", endpoint) if isinstance(value, str) else value
            for key, value in play.params.items()
        }
        try:
            getattr(client, play.method)(**params)
            if play.waits is not None:
                name, waited = play.waits
                waiter = self.sessions.aws.client(play.service, account=ACCOUNT).get_waiter(name)
                waiter.wait(**waited, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            text = f"{code}: {error.response['Error']['Message']}"
            return ("deny" if code in _DENIALS else None), text
        except WaiterError as error:
            return None, str(error)
        return "allow", ""

    def _probe(self, play: Play) -> tuple[str | None, str]:
        session = self.sessions.of(play.agent, play.capability)
        fields = {key: str(value) for key, value in play.params.items()}
        answer = probes.signed_call(
            session, self.sessions.aws.endpoint_url, play.method, fields, region=play.region,
            user_agent=_MCP_MARKER if play.via_mcp else "",
        )  # fmt: skip
        if answer.denied:
            return "deny", f"{answer.code}: {answer.message}"
        # An operation that the embedded AWS does not have answers so only after it was authorized.
        return "allow", f"{answer.code}: {answer.message}"

    def _broker(self, play: Play) -> tuple[str | None, str]:
        session = self.sessions.of(play.agent, play.capability)
        status, body = self.sessions.ask_broker(session, {key: str(value) for key, value in play.params.items()})
        if status == _OK:
            return "allow", ""
        text = f"{status}: {body.get('error') or body.get('Message') or body.get('message') or body}"
        return ("deny" if status in {_BAD, _FORBIDDEN} else None), text

    def _stack(self, play: Play) -> tuple[str | None, str]:
        """Let the apply session carry out a change set, and see what the execution role was refused."""
        client = self._client(play, "cloudformation", "apply")
        client.execute_change_set(**play.params)
        stack = {"StackName": play.params["StackName"]}
        deadline = time.monotonic() + _STACK_SECONDS
        while time.monotonic() < deadline:
            status = client.describe_stacks(**stack)["Stacks"][0]["StackStatus"]
            if status == "CREATE_COMPLETE":
                return "allow", status
            if status in {"ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"}:
                events = client.describe_stack_events(**stack)["StackEvents"]
                reasons = [
                    str(e.get("ResourceStatusReason", "")) for e in events if e["ResourceStatus"] == "CREATE_FAILED"
                ]
                text = next((reason for reason in reasons if play.action in reason), "; ".join(reasons))
                refused = play.action in text and ("not authorized" in text or "AccessDenied" in text)
                return ("deny" if refused else None), text
            time.sleep(0.2)
        return None, f"stack {play.params['StackName']!r} did not settle within {_STACK_SECONDS:.0f} s"
