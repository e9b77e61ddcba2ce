"""Gap: a build of CodeBuild that nothing ran is reported as SUCCEEDED at once.

Nothing runs builds here. A build is recorded with the variables that it was started with, and ends with FAULT and a
phase that says so, so that nobody takes it for one that did its work.
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from ministack.core.responses import json_response
from ministack.services import codebuild

WHY = "the embedded AWS runs no builds"


def install() -> None:
    """Let a build fail that does not run."""
    start = codebuild._start_build

    def start_build(data: Any) -> Any:
        answer = start(data)
        if answer[0] != HTTPStatus.OK or codebuild.EXECUTE_BUILDS:
            return answer
        build = codebuild._builds[json.loads(answer[2])["build"]["id"]]
        variables = {each["name"]: each for each in (build.get("environment") or {}).get("environmentVariables") or []}
        variables |= {each["name"]: each for each in data.get("environmentVariablesOverride") or []}
        build["environment"] = {**(build.get("environment") or {}), "environmentVariables": list(variables.values())}
        now = build["startTime"]
        build["buildStatus"] = "FAULT"
        build["phases"] = [
            {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": now, "endTime": now},
            {
                "phaseType": "PROVISIONING",
                "phaseStatus": "FAULT",
                "startTime": now,
                "endTime": now,
                "contexts": [{"statusCode": "INTERNAL_SERVICE_ERROR", "message": WHY}],
            },
            {"phaseType": "COMPLETED", "startTime": now},
        ]
        return json_response({"build": build})

    codebuild._start_build = start_build
