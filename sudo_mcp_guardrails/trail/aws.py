"""Clients of AWS for ``mcp-guardrails trail``; a Lambda function has its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError

_ATTEMPTS: Final = 8
_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 60


@dataclass(frozen=True)
class AwsAccess:
    """How to reach AWS.

    Attributes:
        profile: of the AWS configuration. Default: what boto3 finds by itself.
        region: default: the profile's.
        endpoint_url: of all services, such as the embedded AWS's. Default: AWS.
    """

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - boto3 has no types
        import boto3  # noqa: PLC0415 - only where AWS is asked
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

        try:
            return boto3.Session(profile_name=self.profile, region_name=self.region)
        except BotoCoreError as error:
            raise TrailError(f"profile {self.profile!r} cannot be used: {error}") from error

    @property
    def region_name(self) -> str | None:
        """The Region that is asked, if one is known."""
        found: str | None = self.region or self._session.region_name
        return found

    def client(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return a client, which tries again on its own what AWS throttles.

        Args:
            service: such as ``s3``.
            region: default: that of the profile.

        Raises:
            TrailError: there is no such profile, no Region, or the endpoint is none.
        """
        from botocore.config import Config  # noqa: PLC0415 - only where AWS is asked
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

        config = Config(
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
        )
        try:
            return self._session.client(
                service, region_name=region or self.region, endpoint_url=self.endpoint_url, config=config
            )
        except (BotoCoreError, ValueError) as error:
            raise TrailError(f"no client of {service} can be made: {error}") from error

    def credentials(self) -> Any:  # noqa: ANN401 - botocore has no types
        """Return botocore's credentials, which renew themselves.

        Raises:
            TrailError: there are none.
        """
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - only where AWS is asked

        try:
            found = self._session.get_credentials()
        except BotoCoreError as error:
            raise TrailError(f"credentials cannot be had: {error}") from error
        if found is None:
            raise TrailError("there are no credentials of AWS, expected a profile or environment variables")
        return found
