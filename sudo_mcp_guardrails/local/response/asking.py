"""Ask a deployed kill switch: find its intake, sign a request, and follow what it starts."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE: Final = 4 * 3_600
"""Seconds that an execution is followed; its grace is part of it."""
_PAUSES: Final = (0.5, 5.0)
"""Seconds between looks: the first, and the longest."""
_TAKEN: Final = 202
_OK: Final = 200


class AskingError(GuardrailsError):
    """The kill switch cannot be asked, or did not take what it was asked for; the message is its own."""


@dataclass(frozen=True)
class Intake:
    """A kill switch's intake.

    Args:
        url: Of the function, as it stands.
        session: boto3's session of who asks.
        region: Of the function.
        endpoint_url: Of the embedded AWS, where functions' hosts do not resolve. Default: AWS.
    """

    url: str
    session: Any
    region: str
    endpoint_url: str = ""

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one signed request, and return what is answered.

        Args:
            method: Of HTTP.
            path: Below the URL.
            body: JSON; None for none.

        Raises:
            AskingError: It was refused, or nobody answers.
        """
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - slow to import
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - slow to import
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - slow to import
        from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - slow to import

        request = AWSRequest(
            method=method,
            url=self._address(path),
            data=b"" if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            SigV4Auth(self.session.get_credentials(), "lambda", self.region).add_auth(request)
            answer = URLLib3Session(timeout=60).send(request.prepare())
        except BotoCoreError as error:
            raise AskingError(f"the kill switch's intake cannot be asked: {error}") from error
        try:
            found = json.loads(answer.content)
        except ValueError:
            found = {"error": answer.content.decode(errors="replace")[:300]}
        if answer.status_code not in {_OK, _TAKEN} or not isinstance(found, dict):
            why = found.get("error") or found.get("Message") if isinstance(found, dict) else found
            raise AskingError(f"the kill switch refused, with status {answer.status_code}: {str(why)[:600]}")
        return found

    def ask(self, request: Mapping[str, Any]) -> str:
        """Start a containment or a restoration, and return the execution's name; raises AskingError."""
        return str(self.send("POST", "/", request)["execution"])

    def ended(self, execution: str, *, pause: Callable[[float], None] = time.sleep) -> dict[str, Any]:
        """Return an execution once it has ended: ``status``, ``output``, ``error``, ``cause``.

        Args:
            execution: Its name.
            pause: Waits.

        Raises:
            AskingError: It does not end, or cannot be asked about.
        """
        begun = time.monotonic()
        wait = _PAUSES[0]
        while time.monotonic() - begun < PATIENCE:
            found = self.send("GET", f"/executions/{execution}")
            if found["status"] != "RUNNING":
                return found
            pause(wait)
            wait = min(_PAUSES[1], wait * 1.2)
        raise AskingError(f"execution {execution!r} did not end in {PATIENCE} s")

    def _address(self, path: str) -> str:
        if not self.endpoint_url:
            return f"{self.url.rstrip('/')}{path}"
        return f"{self.endpoint_url}/_aws/lambda-url/{str(urlsplit(self.url).hostname).split('.', 1)[0]}{path}"


def found_intake(
    prefix: str,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    function: str = "containment-intake",
) -> Intake:
    """Find the intake of a deployed kill switch by the guardrails' prefix.

    Args:
        prefix: Of the guardrails' names.
        profile: Of the AWS configuration. Default: what boto3 finds by itself.
        region: Default: the profile's.
        endpoint_url: Of the embedded AWS. Default: AWS.
        function: End of its name. Default: the one that everybody asks.

    Raises:
        AskingError: There are no credentials, no Region, or no such function.
    """
    import boto3  # noqa: PLC0415 - slow to import
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to import

    name = f"{prefix}-{function}"
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        client = session.client("lambda", endpoint_url=endpoint_url)
        url = client.get_function_url_config(FunctionName=name)["FunctionUrl"]
    except (BotoCoreError, ClientError) as error:
        raise AskingError(f"function {name!r} of the kill switch is not found: {error}") from error
    return Intake(url, session, client.meta.region_name, endpoint_url or "")
