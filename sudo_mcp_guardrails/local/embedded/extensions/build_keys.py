"""Gap: ministack sets no condition key of CodeBuild, so a policy that binds a build's variables lets none start.

The variables of `StartBuild` are set by name and value. So is each override that has a key at AWS, where the request
carries it: a policy that wants one to be absent refuses it.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import authorization

if TYPE_CHECKING:
    from .attempts import HttpRequest

_ACTION = "codebuild:StartBuild"
_VARIABLES = "environmentVariablesOverride"
_PREFIX = "codebuild:environment.environmentvariables"
_OVERRIDES = {
    "artifacts": "artifacts",
    "buildspec": "source.buildspec",
    "cache": "cache",
    "certificate": "environment.certificate",
    "computeType": "environment.computetype",
    "encryptionKey": "encryptionkey",
    "environmentType": "environment.type",
    "fleet": "environment.fleet.fleetarn",
    "image": "environment.image",
    "insecureSsl": "source.insecuressl",
    "logsConfig": "logsconfig",
    "privilegedMode": "environment.privilegedmode",
    "registryCredential": "environment.registrycredential",
    "secondaryArtifacts": "secondaryartifacts",
    "secondarySources": "secondarysources",
    "serviceRole": "servicerole",
    "sourceAuth": "source.auth.type",
    "sourceLocation": "source.location",
}


def install() -> None:
    """Add the keys."""
    authorization.add_context(_keys)


def _keys(action: str, resource: str, request: HttpRequest | None) -> dict[str, Any]:
    del resource
    if action != _ACTION or request is None:
        return {}
    asked = request.json()
    keys: dict[str, Any] = {
        f"codebuild:{key}": str(asked[f"{name}Override"])
        for name, key in _OVERRIDES.items()
        if asked.get(f"{name}Override") is not None
    }
    variables = [each for each in asked.get(_VARIABLES) or [] if isinstance(each, dict)]
    if variables:
        keys[f"{_PREFIX}.name"] = [str(each.get("name")) for each in variables]
    for each in variables:
        keys[f"{_PREFIX}/{str(each.get('name')).lower()}.value"] = str(each.get("value"))
    return keys
