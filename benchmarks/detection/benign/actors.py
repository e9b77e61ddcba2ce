"""Who works: when, from where, with what program, and how often which script."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.detection.benign import people_changing as changing
from benchmarks.detection.benign import people_looking as looking
from benchmarks.detection.benign import pipelines, programs
from benchmarks.detection.benign import work_of_agents as agents
from benchmarks.detection.benign.agents import AGENTS, MCP
from benchmarks.detection.benign.people_rarely import rarely

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.benign.caller import Work


class Hours(str, Enum):
    """When somebody works, in UTC."""

    OFFICE = "office"
    ALWAYS = "always"
    NIGHT = "night"


class Pace(str, Enum):
    """How fast one call follows the other."""

    BROWSER = "browser"
    """Pages that ask for much within a second or two, and half a minute to read each."""
    SHELL = "shell"
    PROGRAM = "program"
    AGENT = "agent"
    """Bursts, and seconds of thought between them."""


@dataclass(frozen=True)
class Actor:
    """Somebody, or something, that works.

    Attributes:
        name: what the report calls it.
        kind: ``agents``, ``people``, ``pipelines and programs`` or ``services``.
        scripts: what it does, each with how often of all its sessions.
        share: how many of all sessions are its.
        role: that it acts as; empty for a user's key or an agent.
        user: whose key it uses, in place of a role.
        names: of its sessions; a person's address, a machine's id, a function's name.
        addresses: where it is; one for each name where there are as many, any of them otherwise.
        programs: its user agents.
        hours: when.
        pace: how fast.
        console: whether it is signed in to the console.
        mfa: what CloudTrail writes of MFA: of sessions by an identity provider it writes false.
        service: the service of AWS that acts with the role, such as ``config``.
        agent: the agent that it is.
        capability: its session's.
    """

    name: str
    kind: str
    scripts: tuple[tuple[Callable[[Work], None], float], ...]
    share: float
    role: str = ""
    user: str = ""
    names: tuple[str, ...] = ("session",)
    addresses: tuple[str, ...] = ("203.0.113.10",)
    programs: tuple[str, ...] = ("Boto3/1.44.5 md/Botocore#1.44.5 lang/python#3.13.5",)
    hours: Hours = Hours.ALWAYS
    pace: Pace = Pace.PROGRAM
    console: bool = False
    mfa: bool = False
    service: str = ""
    agent: str = ""
    capability: str = ""


WORKFLOW: Final = "the approval workflow"
"""Who no session is drawn for: its events come of approvals that are really decided."""
_PEOPLE: Final = tuple(
    f"{name}@example.com" for name in ("rita", "alice", "bob", "carol", "erin", "frank", "grace", "heidi")
)
_DESKS: Final = tuple(f"203.0.113.{number}" for number in (10, 10, 11, 11, 54, 90, 91, 120))
_BROWSERS: Final = (
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
)
_CLI: Final = ("aws-cli/2.31.1 md/awscrt#0.27.6 ua/2.1 os/macos#25.1 lang/python#3.13.7 cfg/retry-mode#standard",)
_HOSTS: Final = ("198.51.100.20", "198.51.100.21")
_FUNCTIONS: Final = tuple(f"198.51.100.{number}" for number in range(100, 140))


def _sso(name: str) -> str:
    return f"AWSReservedSSO_{name}_0f1e2d3c4b5a6978"


def _person(
    name: str, role: str, share: float, *scripts: tuple[Callable[[Work], None], float], browser: bool = True
) -> Actor:
    return Actor(
        name, "people", scripts, share, role=_sso(role), names=_PEOPLE, addresses=_DESKS,
        programs=_BROWSERS if browser else _CLI, hours=Hours.OFFICE, pace=Pace.BROWSER if browser else Pace.SHELL,
        console=browser,
    )  # fmt: skip


def _service(name: str, role: str, share: float, *scripts: tuple[Callable[[Work], None], float]) -> Actor:
    return Actor(name, "services", scripts, share, role=role, names=(role,), service=name)


def _agents() -> list[Actor]:
    found = []
    for agent in AGENTS:
        tools = "aws-mcp.amazonaws.com" if agent.name in MCP else "Boto3/1.44.5 md/Botocore#1.44.5 lang/python#3.13.5"
        works = [("read", ((agents.READS[agent.name], 1.0),), 3.2)]
        if agent.name in agents.PLANS:
            works.append(("plan", ((agents.plan(agent.name), 1.0),), 1.6))
        found += [
            Actor(
                f"{agent.name}, {capability}",
                "agents",
                scripts,
                share,
                addresses=_HOSTS,
                programs=(tools,),
                hours=Hours.ALWAYS if capability == "read" else Hours.OFFICE,
                pace=Pace.AGENT,
                agent=agent.name,
                capability=capability,
            )
            for capability, scripts, share in works
        ]
    found += [
        Actor(
            f"{name}, apply",
            "agents",
            (),
            0.7,
            addresses=_HOSTS[:1],
            hours=Hours.OFFICE,
            pace=Pace.AGENT,
            agent=name,
            capability="apply",
        )
        for name in agents.APPLIES
    ]
    return found


ACTORS: Final = (
    *_agents(),
    _person("developers in the console", "Developer", 5, (looking.console_look, 0.9),
            (looking.explore_and_be_refused, 0.1)),
    _person("developers in a shell", "Developer", 4, (looking.shell_look, 0.6), (changing.develop, 0.25),
            (looking.read_own_secret, 0.15), browser=False),
    _person("platform engineers in the console", "PlatformEngineer", 3, (looking.console_look, 0.6),
            (looking.on_call, 0.2),
            (changing.build_platform, 0.1), (changing.network, 0.1)),
    _person("platform engineers in a shell", "PlatformEngineer", 2, (looking.shell_look, 0.6),
            (changing.build_platform, 0.2),
            (changing.network, 0.1), (looking.on_call, 0.1), browser=False),
    _person("administrators", "AdministratorAccess", 1.2, (looking.console_look, 0.5), (changing.administer, 0.45),
            (changing.newcomer, 0.05)),
    _person("seldom things", "PlatformEngineer", 0.3, (rarely, 1.0), browser=False),
    _person("security people", "SecurityAudit", 1.5, (looking.audit, 0.8),
            (looking.explore_and_be_refused, 0.2), browser=False),
    _person("readers", "ReadOnly", 2, (looking.console_look, 0.9), (looking.explore_and_be_refused, 0.1)),
    _person("data people", "DataEngineer", 1.5, (looking.query_data, 1.0)),
    Actor("a user with MFA", "people",
          ((looking.console_look, 0.85), (partial(changing.rotate_own_key, user="dana"), 0.15)),
          0.6,
          user="dana", names=("dana",), addresses=("203.0.113.77",), programs=_BROWSERS, hours=Hours.OFFICE,
          pace=Pace.BROWSER, console=True, mfa=True),
    Actor("a program with a user's key", "pipelines and programs",
          ((programs.upload, 0.95), (partial(changing.rotate_own_key, user="legacy-uploader"), 0.05)), 1,
          user="legacy-uploader",
          names=("legacy-uploader",), addresses=("198.51.100.61",), programs=("aws-sdk-java/1.12.792 Linux/5.10",)),
    Actor("deployments", "pipelines and programs", ((pipelines.deploy, 0.75), (pipelines.release_function, 0.25)), 3,
          role="github-deploy", names=("GitHubActions",),
          addresses=tuple(f"192.0.2.{number}" for number in range(20, 90)),
          programs=("aws-sdk-js/3.930.0 ua/2.1 os/linux lang/js md/nodejs#22.20.0 cdk-cli/2.1148.0",),
          hours=Hours.OFFICE),
    Actor("terraform", "pipelines and programs", ((pipelines.terraform, 1.0),), 1.6, role="terraform-runner",
          names=("terraform",), addresses=("198.51.100.30",),
          programs=("APN/1.0 HashiCorp/1.0 Terraform/1.13.5 terraform-provider-aws/6.20.0",),
          hours=Hours.OFFICE),
    Actor("the orders' function", "pipelines and programs", ((programs.serve_orders, 1.0),), 6, role="orders-api",
          names=("orders-api",), addresses=_FUNCTIONS),
    Actor("the orders' worker", "pipelines and programs", ((programs.work_on_orders, 1.0),), 4, role="orders-worker",
          names=("orders-worker",), addresses=_FUNCTIONS),
    Actor("web servers", "pipelines and programs", ((programs.web, 1.0),), 3, role="web-instance",
          names=tuple(f"i-0{number:016x}" for number in range(0x1A2B3C, 0x1A2B3C + 5)),
          addresses=tuple(f"198.51.100.{number}" for number in range(40, 45)),
          programs=("aws-sdk-go-v2/1.40.1 os/linux lang/go#1.25.4",)),
    Actor("data pipelines", "pipelines and programs", ((programs.pipeline_of_data, 1.0),), 2, role="data-pipeline",
          names=("nightly",), addresses=_FUNCTIONS, hours=Hours.NIGHT),
    Actor("secret rotation", "pipelines and programs", ((programs.rotate_secret, 1.0),), 0.4, role="secret-rotation",
          names=("secret-rotation",), addresses=_FUNCTIONS, hours=Hours.NIGHT),
    Actor("a monitoring vendor", "pipelines and programs", ((programs.monitor, 1.0),), 5, role="monitoring-integration",
          names=("monitoring",), addresses=("192.0.2.140", "192.0.2.141", "192.0.2.142")),
    Actor("a security scanner", "pipelines and programs", ((programs.scan, 1.0),), 0.5, role="security-scanner",
          names=("scan",), addresses=("198.51.100.70",), hours=Hours.NIGHT),
    Actor("cost reports", "pipelines and programs", ((programs.report_costs, 1.0),), 0.5, role="cost-reports",
          names=("report",), addresses=_FUNCTIONS, hours=Hours.NIGHT),
    _service("cloudformation", "cfn-exec", 2, (pipelines.make_resources, 0.95), (pipelines.upgrade_guardrails, 0.05)),
    Actor("cloudformation, for agents", "services", ((pipelines.make_tables, 1.0),), 0.7, role="cfn-exec",
          names=("AWSCloudFormation",), hours=Hours.OFFICE, service="cloudformation",
          agent="release-bot", capability="execution"),
    _service("backup", "backup-service", 0.7, (programs.back_up, 1.0)),
    _service("config", "AWSServiceRoleForConfig", 3, (programs.record_configuration, 1.0)),
    _service("autoscaling", "AWSServiceRoleForAutoScaling", 1.2, (programs.scale, 1.0)),
    _service("ssm", "AWSServiceRoleForAmazonSSM", 0.4, (programs.look_after_machines, 1.0)),
    _service("securityhub", "AWSServiceRoleForSecurityHub", 1, (programs.check_findings, 1.0)),
    _service("access-analyzer", "AWSServiceRoleForAccessAnalyzer", 1, (programs.check_findings, 1.0)),
    Actor(WORKFLOW, "the approval workflow", (), 0, addresses=("198.51.100.9",), hours=Hours.OFFICE, pace=Pace.AGENT),
    _service("trustedadvisor", "AWSServiceRoleForTrustedAdvisor", 0.6, (programs.check_findings, 1.0)),
)  # fmt: skip
"""Everybody, in a fixed order: a seed decides the same each time."""
