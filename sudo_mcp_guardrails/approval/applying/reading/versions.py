"""Versions of what lies outside of a plan, looked up when the plan asks for them.

Nothing is read but which version there is: no secret, no parameter's value, no object. What cannot be looked up has no
version, so that the plan has an unknown and is R3. An ETag is none either: where it is a hash at all it is MD5, for
which two contents with one hash can be made.
Sources: S3 API reference, ``HeadObject``; ECR, ``DescribeImages``; Systems Manager, ``DescribeParameters``; Secrets
Manager, ``DescribeSecret``; CloudFormation, ``ListExports``; Lambda, ``GetFunctionConfiguration``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from sudo_mcp_guardrails.approval.applying.answers import is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.approval.applying.sessions import Session

MAX_LOOKUPS: Final = 2_000
"""Things that are looked up for one plan; further ones stay unknown."""
_MAX_PAGES: Final = 100
_OBJECT: Final = re.compile(r"s3a?://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>.+)", re.DOTALL)
_VIRTUAL: Final = re.compile(
    r"https://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?/(?P<key>.+)"
)
_PATH: Final = re.compile(
    r"https://s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?/(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>.+)"
)
_IMAGE: Final = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9][a-z0-9._/-]{1,255})(?::(?P<tag>[\w.-]{1,128}))?"
)
_PARAMETER: Final = re.compile(r"(?:resolve:ssm|resolve:ssm-secure|ssm):(?P<name>[\w./-]{1,1011})")
_SECRET: Final = re.compile(r"resolve:secretsmanager:(?P<name>(?:arn:[\w:/+=.@-]+|[\w/+=.@-]{1,512}))")
_EXPORT: Final = re.compile(r"export:(?P<name>[A-Za-z0-9:-]{1,255})")
_FUNCTION: Final = re.compile(r"arn:[a-z-]+:lambda:(?P<region>[a-z0-9-]+):\d{12}:function:[\w-]{1,64}")


class LookedUp(Mapping[str, str]):
    """Version by URI, as :attr:`~sudo_mcp_guardrails.approval.reading.known.Known.versions` takes it.

    Args:
        session: With which things are looked up.

    Attributes:
        found: What was asked for and has a version.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: dict[str, str] = {}
        self._exports: dict[str, str] | None = None
        self.found: dict[str, str] = {}
        self._ways: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
            (_OBJECT, self._object),
            (_VIRTUAL, self._object_of_url),
            (_PATH, self._object_of_url),
            (_IMAGE, self._image),
            (_PARAMETER, self._parameter),
            (_SECRET, self._secret),
            (_EXPORT, self._export),
            (_FUNCTION, self._function),
        )

    def __getitem__(self, uri: str) -> str:
        """Return a version; raises KeyError where there is none, and whatever AWS answers that is no answer."""
        if uri not in self._asked:
            self._asked[uri] = self._look(uri) if len(self._asked) < MAX_LOOKUPS else ""
        version = self._asked[uri]
        if not version:
            raise KeyError(uri)
        self.found[uri] = version
        return version

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def _look(self, uri: str) -> str:
        for pattern, way in self._ways:
            match = pattern.fullmatch(uri)
            if match:
                try:
                    return way(match)
                except Exception as error:
                    if not is_missing(error):
                        raise
                    return ""
        return ""

    def _object(self, match: re.Match[str]) -> str:
        return self._head(match["bucket"], match["key"])

    def _object_of_url(self, match: re.Match[str]) -> str:
        return self._head(match["bucket"], unquote(match["key"]))

    def _head(self, bucket: str, key: str) -> str:
        answer = self._session.client("s3").head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        version = answer.get("VersionId")
        if version and version != "null":
            return str(version)
        checksum = answer.get("ChecksumSHA256")
        # That of a multipart upload is one over the parts' checksums, which says as much.
        return f"sha256:{checksum}" if checksum else ""

    def _image(self, match: re.Match[str]) -> str:
        answer = self._session.client("ecr", match["region"]).describe_images(
            registryId=match["registry"],
            repositoryName=match["repository"],
            imageIds=[{"imageTag": match["tag"] or "latest"}],
        )
        digests = {str(item.get("imageDigest") or "") for item in answer.get("imageDetails", [])}
        return digests.pop() if len(digests) == 1 else ""

    def _parameter(self, match: re.Match[str]) -> str:
        answer = self._session.client("ssm").describe_parameters(
            ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [match["name"]]}]
        )
        versions = {str(item["Version"]) for item in answer.get("Parameters", []) if item.get("Version")}
        return versions.pop() if len(versions) == 1 else ""

    def _secret(self, match: re.Match[str]) -> str:
        answer = self._session.client("secretsmanager").describe_secret(SecretId=match["name"])
        stages = answer.get("VersionIdsToStages") or {}
        current = [version for version, names in stages.items() if "AWSCURRENT" in names]
        return str(current[0]) if len(current) == 1 else ""

    def _export(self, match: re.Match[str]) -> str:
        if self._exports is None:
            self._exports = dict(self._all_exports())
        return self._exports.get(match["name"], "")

    def _all_exports(self) -> Iterator[tuple[str, str]]:
        options: dict[str, Any] = {}
        for _ in range(_MAX_PAGES):
            answer = self._session.client("cloudformation").list_exports(**options)
            for item in answer.get("Exports", []):
                yield str(item["Name"]), f"sha256:{sha256(str(item['Value']).encode()).hexdigest()}"
            if not answer.get("NextToken"):
                return
            options = {"NextToken": answer["NextToken"]}

    def _function(self, match: re.Match[str]) -> str:
        answer = self._session.client("lambda", match["region"]).get_function_configuration(FunctionName=match[0])
        code, revision = answer.get("CodeSha256"), answer.get("RevisionId")
        # The revision changes with the configuration too: other variables can make other work of the same code.
        return f"{code}/{revision}" if code and revision else ""
