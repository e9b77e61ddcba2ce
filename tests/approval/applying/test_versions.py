"""Versions of what lies outside: each kind by the call that tells it, and nothing where nobody tells."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.approval.applying.reading import versions
from sudo_mcp_guardrails.approval.applying.reading.versions import LookedUp
from tests.handlers.approval.fakes import _check

IMAGE = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/team/app"
FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:seed"
ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "head_object": ("HeadObject", {"VersionId": "v3"}),
    "describe_images": ("DescribeImages", {"imageDetails": [{"imageDigest": "sha256:ab"}]}),
    "describe_parameters": ("DescribeParameters", {"Parameters": [{"Version": 7}]}),
    "describe_secret": ("DescribeSecret", {"VersionIdsToStages": {"a": ["AWSPREVIOUS"], "b": ["AWSCURRENT"]}}),
    "list_exports": ("ListExports", {"Exports": [{"Name": "Net", "Value": "vpc-1"}]}),
    "get_function_configuration": ("GetFunctionConfiguration", {"CodeSha256": "c", "RevisionId": "r"}),
}


class Session:
    """Answers as told, and checks each call against botocore's model."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def client(self, service: str, region: str = "", *, once: bool = False) -> Any:
        assert not once
        return Service(self, service, region)


class Service:
    def __init__(self, session: Session, name: str, region: str) -> None:
        self._session, self._name, self._region = session, name, region

    def __getattr__(self, method: str) -> Any:
        operation, answer = ANSWERS[method]

        def call(**options: Any) -> Any:
            _check(self._name, operation, options)
            self._session.calls.append((self._name, self._region, options))
            found = self._session.answers.get(method, answer)
            if isinstance(found, Exception):
                raise found
            return found

        return call


def looked_up(session: Session) -> LookedUp:
    return LookedUp(session)  # type: ignore[arg-type] # as far as it is used


@pytest.mark.parametrize(
    ("uri", "version", "service", "region"),
    [
        ("s3://code/a/b.zip", "v3", "s3", ""),
        ("https://code.s3.eu-west-1.amazonaws.com/a%20b.yaml", "v3", "s3", ""),
        ("https://s3.amazonaws.com/code/a.yaml", "v3", "s3", ""),
        (IMAGE, "sha256:ab", "ecr", "eu-west-1"),
        (f"{IMAGE}:1.2", "sha256:ab", "ecr", "eu-west-1"),
        ("resolve:ssm:/a/b", "7", "ssm", ""),
        ("resolve:ssm-secure:/a/b", "7", "ssm", ""),
        ("ssm:/a/b", "7", "ssm", ""),
        ("resolve:secretsmanager:db", "b", "secretsmanager", ""),
        ("export:Net", "sha256:", "cloudformation", ""),
        (FUNCTION, "c/r", "lambda", "eu-west-1"),
    ],
)
def test_each_kind_is_looked_up_by_its_call(uri: str, version: str, service: str, region: str) -> None:
    session = Session()
    found = looked_up(session)
    assert found.get(uri, "").startswith(version)
    assert found.get(uri, "") == found[uri]
    assert [each[:2] for each in session.calls] == [(service, region)], "and once"
    assert dict(found) == found.found == {uri: found[uri]}


def test_keys_in_urls_are_decoded() -> None:
    session = Session()
    assert looked_up(session)["https://code.s3.amazonaws.com/a%20b.yaml"] == "v3"
    assert session.calls[0][2]["Key"] == "a b.yaml"


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/a.yaml",
        "docker.io/library/nginx:1",
        "resolve: that is put together at deployment",
        "resolve:iam:user",
        "file:///etc/passwd",
        "export:Other",
        "",
    ],
)
def test_what_nobody_can_look_up_has_no_version(uri: str) -> None:
    assert looked_up(Session()).get(uri, "") == ""


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ({"VersionId": "null", "ChecksumSHA256": "abc="}, "sha256:abc="),
        ({"ChecksumSHA256": "abc="}, "sha256:abc="),
        ({"ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}, ""),
        ({"VersionId": "null"}, ""),
    ],
)
def test_an_object_without_versions_needs_a_checksum(answer: dict[str, Any], version: str) -> None:
    assert looked_up(Session(head_object=answer)).get("s3://code/a", "") == version


def test_two_answers_are_none() -> None:
    images = {"imageDetails": [{"imageDigest": "sha256:a"}, {"imageDigest": "sha256:b"}]}
    assert looked_up(Session(describe_images=images)).get(f"{IMAGE}:1", "") == ""


@pytest.mark.parametrize("code", ["403", "AccessDenied", "404", "NoSuchKey"])
def test_what_may_not_be_looked_up_has_no_version(code: str) -> None:
    denied = ClientError({"Error": {"Code": code}}, "HeadObject")
    assert looked_up(Session(head_object=denied)).get("s3://code/a", "") == ""


@pytest.mark.parametrize("code", ["SlowDown", "Throttling", "InternalError", "503"])
def test_an_error_that_passes_is_no_answer(code: str) -> None:
    busy = ClientError({"Error": {"Code": code}}, "HeadObject")
    with pytest.raises(ClientError):
        looked_up(Session(head_object=busy)).get("s3://code/a", "")


def test_look_ups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MAX_LOOKUPS", 3)
    session = Session()
    found = looked_up(session)
    assert [found.get(f"s3://code/{number}", "") for number in range(5)] == ["v3", "v3", "v3", "", ""]
    assert len(session.calls) == 3
