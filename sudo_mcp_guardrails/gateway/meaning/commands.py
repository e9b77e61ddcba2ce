"""What AWS CLI commands do, for servers that take them (``call_aws`` of ``awslabs.aws-api-mcp-server``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.reading.api_actions import actions_of
from sudo_mcp_guardrails.approval.reading.call_resources import named_resources
from sudo_mcp_guardrails.gateway.meaning.command_line import REFUSED, Unclear, read_line, value_of
from sudo_mcp_guardrails.gateway.meaning.commands_s3 import s3_calls
from sudo_mcp_guardrails.gateway.meaning.declared import DeclaredCall, Undecidable
from sudo_mcp_guardrails.gateway.meaning.vending import Vending
from sudo_mcp_guardrails.iam.catalogue import UnknownActionError, service_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.meaning.command_line import CommandLine

MAX_COMMANDS: Final = 20
"""As ``call_aws`` takes them."""
_SDK_NAMES: Final = {"configservice": "config", "deploy": "codedeploy", "s3api": "s3"}
_OWN: Final = {
    ("codeartifact", "login"): (("codeartifact", "GetAuthorizationToken"),),
    ("codecommit", "credential-helper"): (("codecommit", "GitPull"), ("codecommit", "GitPush")),
    ("dsql", "generate-db-connect-admin-auth-token"): (("dsql", "DbConnectAdmin"),),
    ("dsql", "generate-db-connect-auth-token"): (("dsql", "DbConnect"),),
    ("ecr", "get-login"): (("ecr", "GetAuthorizationToken"),),
    ("ecr", "get-login-password"): (("ecr", "GetAuthorizationToken"),),
    ("ecr-public", "get-login-password"): (("ecr-public", "GetAuthorizationToken"),),
    ("eks", "get-token"): (("sts", "GetCallerIdentity"),),
    ("rds", "generate-db-auth-token"): (("rds-db", "Connect"),),
    ("sso", "login"): (),
}
"""Commands that the CLI has by itself and that hand out a credential, with what that takes."""
_ELSEWHERE: Final = frozenset({"configure", "history", "login", "logout", "opsworks-cm", "sso", "cli-dev"})
"""Commands that work on the machine rather than on AWS."""
_CUSTOM: Final = frozenset(
    {
        *("cloudformation deploy", "cloudformation package", "cloudtrail validate-logs", "ec2-instance-connect ssh"),
        *("ecs deploy", "eks update-kubeconfig", "emr ssh", "gamelift upload-build", "lambda wait", "logs tail"),
        *(
            "logs start-live-tail",
            "ssm start-session",
            "deploy push",
            "deploy install",
            "datapipeline create-default-roles",
        ),
        *("ec2-instance-connect open-tunnel", "emr create-default-roles", "cloudtrail create-subscription"),
        *(
            "cloudtrail update-subscription",
            "configservice subscribe",
            "configservice get-status",
            "dlm create-default-role",
        ),
        *("deploy register", "deploy deregister", "deploy uninstall", "emr socks", "emr put", "emr get"),
        *("servicecatalog generate", "rds add-option-to-option-group", "emr-containers update-role-trust-policy"),
    }
)
"""Commands that the CLI makes several calls for, which are not told here."""
_WORDS: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NOT_SENT: Final = frozenset({"max-items", "page-size", "starting-token", "generate-cli-skeleton"})


@dataclass(frozen=True)
class Commands:
    """What commands do.

    Attributes:
        calls: All that they may make; only where nothing is undecidable are these all.
        undecidable: Why that cannot be told.
        vending: Credentials that they hand out.
        refused: Options that nobody needs who means well, as (number of the command, option, reason).
    """

    calls: tuple[DeclaredCall, ...] = ()
    undecidable: tuple[Undecidable, ...] = ()
    vending: tuple[Vending, ...] = ()
    refused: tuple[tuple[int, str, str], ...] = ()


def read_commands(given: object) -> Commands:
    """Say what one command does, or a list of them.

    Args:
        given: A text, or a list of at most 20.

    Returns:
        The calls. It never raises: what is malformed or not understood is undecidable, with the reason.
    """
    lines = given if isinstance(given, list) else [given]
    if not 1 <= len(lines) <= MAX_COMMANDS:
        return Commands(
            undecidable=(Undecidable(0, f"there are {len(lines)} commands, allowed are 1 to {MAX_COMMANDS}"),)
        )
    found = Commands()
    for number, line in enumerate(lines, start=1):
        try:
            command = read_line(line)
            one = _read(command, number)
        except Unclear as error:
            one = Commands(undecidable=(Undecidable(number, f"the command is not understood: {error}"),))
        found = Commands(
            found.calls + one.calls,
            found.undecidable + one.undecidable,
            found.vending + one.vending,
            found.refused + one.refused,
        )
    return found


def _read(line: CommandLine, number: int) -> Commands:
    refused = tuple((number, name, REFUSED[name]) for name in line.globals if name in REFUSED)
    region = line.globals.get("--region") or ""
    if region and not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", region):
        raise Unclear("--region is none")
    own = _OWN.get((line.service, line.operation))
    if own is not None:
        calls = tuple(DeclaredCall(service, name, region, complete=False, line=number) for service, name in own)
        named = "".join(part.capitalize() for part in line.operation.split("-"))
        return Commands(calls, vending=(Vending(line.service, named, number),), refused=refused)
    if line.service == "s3":
        calls, vends = s3_calls(line, region, number)
        return Commands(calls, vending=(Vending("s3", "Presign", number),) if vends else (), refused=refused)
    if line.service in _ELSEWHERE or f"{line.service} {line.operation}" in _CUSTOM or line.operation == "wait":
        raise Unclear(f"{line.service} {line.operation} is more than one call of the API")
    if line.rest:
        raise Unclear("it has words that belong to no option")
    service = _SDK_NAMES.get(line.service, line.service)
    call = DeclaredCall(
        service, operation_name(service, line.operation), region, _parameters(service, line), line=number
    )
    return Commands((call,), refused=refused)


def operation_name(service: str, command: str) -> str:
    """Return an operation as the API calls it, such as ``DescribeDBInstances`` of ``describe-db-instances``.

    The catalogue knows how most are spelled; of others each word gets a capital letter, and IAM does not tell
    actions apart by case.
    """
    if not _WORDS.fullmatch(command):
        raise Unclear("its operation is none")
    return _spelled(service).get(command.replace("-", ""), "".join(part.capitalize() for part in command.split("-")))


@cache
def _spelled(service: str) -> dict[str, str]:
    """Return a service's actions by their name in lower case."""
    prefix = next((action.partition(":")[0] for action in actions_of(service, "Any")), "")
    try:
        return (
            {name.partition(":")[2].lower(): name.partition(":")[2] for name in service_actions(prefix)}
            if prefix
            else {}
        )
    except UnknownActionError:
        return {}


def _parameters(service: str, line: CommandLine) -> dict[str, Any]:
    prefix = next((action.partition(":")[0] for action in actions_of(service, "Any")), "")
    spelled = {name.lower(): name for name in named_resources().get(prefix, {})}
    found: dict[str, Any] = {}
    for option, values in line.options.items():
        if option.startswith("cli-") or option in _NOT_SENT:
            if option in {"generate-cli-skeleton", "cli-input-yaml"}:
                raise Unclear(f"--{option} is not understood here")
            if option == "cli-input-json":
                body = value_of(values, option)
                if not isinstance(body, dict):
                    raise Unclear("--cli-input-json is no JSON object")
                found = {**body, **found}
            continue
        plain = option.replace("-", "")
        found[spelled.get(plain, "".join(part.capitalize() for part in option.split("-")))] = value_of(values, option)
    return found
