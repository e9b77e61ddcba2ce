"""Asks the session broker for a session, as a ``credential_process`` of an AWS profile does.

``python session.py URL REGION AGENT CAPABILITY TICKET``, with the caller's own credentials in the environment.
"""

from __future__ import annotations

import json
import sys

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session


def session(url: str, region: str, agent: str, capability: str, ticket: str) -> str:
    """Return the broker's answer, JSON with credentials and the run id.

    Raises:
        SystemExit: Where the broker, or IAM in front of it, refuses; with the reason.
    """
    body = json.dumps({"agent": agent, "capability": capability, "ticket": ticket})
    request = AWSRequest("POST", url, data=body, headers={"content-type": "application/json"})
    SigV4Auth(boto3.Session().get_credentials(), "lambda", region).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    if answer.status_code != 200:  # noqa: PLR2004 - HTTP's OK
        raise SystemExit(f"the broker answered {answer.status_code}: {answer.text}")
    return str(answer.text)


if __name__ == "__main__":
    print(session(*sys.argv[1:6]))
