"""Gap: an AWS managed policy that ministack does not know allows everything.

ministack carries the text of some fifty AWS managed policies; the switch that lets any other be attached gives it
`Allow * on *`, so a role with `job-function/ViewOnlyAccess` would be an administrator here, and such a boundary none.
An unknown one allows nothing instead.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html
"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.services import iam

_log = logging.getLogger(__name__)
_NOTHING = json.dumps({"Version": "2012-10-17", "Statement": []})


def install() -> None:
    """Replace what is made up for an unknown AWS managed policy."""

    def unknown_policy(arn: str) -> Any:
        name = arn.split(":policy/", 1)[-1]
        _log.warning("AWS managed policy %s is not known here, it allows nothing", name)
        record = iam._make_aws_managed_record(
            name, _NOTHING, description="Not known to the embedded AWS, allows nothing."
        )
        iam._aws_managed_policies[arn] = record
        return record

    iam._autovivify_aws_managed_policy = unknown_policy
