"""boto3 against the embedded AWS, cut off from the user's own AWS settings."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_REGION = "us-east-1"


def session(access_key: str, secret_key: str = "test", token: str | None = None, region: str = DEFAULT_REGION) -> Any:  # noqa: S107 - any secret does for an account root
    """A boto3 session with these credentials, deaf to profiles, config files and `AWS_*` variables.

    A 12-digit access key is the root of that account in ministack, whatever the secret.
    """
    import boto3  # noqa: PLC0415 - slow, and the package must not pull it in at import time
    import botocore.session  # noqa: PLC0415 - as boto3

    deaf = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    deaf.register_component("data_loader", _loader())
    return boto3.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
        region_name=region,
        botocore_session=deaf,
    )


@functools.cache
def _loader() -> Any:
    """One loader for all sessions: reading the service models again for each agent costs 0.1 s a client."""
    from botocore.loaders import create_loader  # noqa: PLC0415 - as boto3

    return create_loader()


def client(service: str, endpoint_url: str, boto_session: Any, **config: Any) -> Any:
    """A client of `service` that goes to the embedded AWS and nowhere else: no proxies, no retries of refusals."""
    from botocore.config import Config  # noqa: PLC0415 - as boto3

    settings: dict[str, Any] = {
        "proxies": {},
        "retries": {"total_max_attempts": 1},
        "connect_timeout": 5,
        "read_timeout": 60,
        "s3": {"addressing_style": "path"},
        **config,
    }
    return boto_session.client(service, endpoint_url=endpoint_url, config=Config(**settings))


def assumed(credentials: Mapping[str, Any], region: str = DEFAULT_REGION) -> Any:
    """A session from the `Credentials` of an STS answer."""
    return session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], region)
