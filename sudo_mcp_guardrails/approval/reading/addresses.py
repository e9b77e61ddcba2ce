"""What looks like the address of code or a template: an object in S3, a container's image, a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from sudo_mcp_guardrails.approval.reading.spelling import is_literal, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUCKETS: Final = ("S3Bucket", "s3_bucket", "s3Bucket", "Bucket", "bucket", "BucketName", "bucketName")
_KEYS: Final = ("S3Key", "s3_key", "s3Key", "Key", "key", "S3ObjectKey", "ObjectKey", "objectKey")
_VERSIONS: Final = (
    *("S3ObjectVersion", "s3_object_version", "s3ObjectVersion", "ObjectVersion", "objectVersion"),
    *("Version", "version", "VersionId", "version_id"),
)
_IMAGES: Final = frozenset(
    {
        *("Image", "image", "ImageUri", "image_uri", "imageUri", "ImageIdentifier", "image_identifier"),
        *("ContainerImage", "container_image", "containerImage", "EcrImageUri", "InferenceImage"),
    }
)
_URLS: Final = frozenset(
    {
        *("TemplateURL", "TemplateUrl", "template_url", "templateUrl", "DefinitionUri", "CodeUri", "ContentUri"),
        *("ScriptLocation", "script_location", "SchemaHandlerPackage", "ModulePackage", "BodyS3Location"),
        *("DefinitionS3Location", "RequestMappingTemplateS3Location", "ResponseMappingTemplateS3Location"),
        *("CodeS3Location", "ModelDataUrl", "model_data_url", "SourceCodeUrl", "ImportSourceUrl", "CopySource"),
    }
)
_DIGEST: Final = re.compile(r"(?P<name>.+)@(?P<digest>sha256:[0-9a-f]{64})")
_OBJECT: Final = re.compile(r"s3a?://[^/]+/.*[^/]", re.DOTALL)
_WRITTEN_TO: Final = re.compile(
    r"log|output|destination|target|result|report|archive|backup|temp|staging", re.IGNORECASE
)


@dataclass(frozen=True)
class Address:
    """Something outside.

    Args:
        kind: As :attr:`~sudo_mcp_guardrails.approval.plan.Pin.kind`.
        name: Its URI, without a version, and without what a query says.
        version: Version or hash that the plan says; empty where it says none.
    """

    kind: str
    name: str
    version: str


def object_address(value: Mapping[str, Any], known: Mapping[str, Any]) -> Address | None:
    """Return the object in S3 that the properties of one value name: a bucket, a key and, at best, a version.

    Args:
        value: Such as ``{"S3Bucket": …, "S3Key": …, "S3ObjectVersion": …}``.
        known: As of :func:`~sudo_mcp_guardrails.approval.reading.spelling.spelled`.
    """
    bucket, key, version = (_first(value, names, known) for names in (_BUCKETS, _KEYS, _VERSIONS))
    if not bucket or not key:
        return None
    return Address("s3-object", f"s3://{bucket}/{key}", version if is_literal(version) else "")


def image_address(name: str, text: str) -> Address | None:
    """Return the image that a property names; None for other properties.

    Args:
        name: The property's name, such as ``ImageUri``.
        text: Its value.
    """
    if name not in _IMAGES or not text:
        return None
    match = _DIGEST.fullmatch(text)
    if match and is_literal(match["name"]):
        return Address("image", match["name"], match["digest"])
    return Address("image", text, "")


def url_address(name: str, text: str) -> Address | None:
    """Return what the address in a property leads to; None for other properties, and for places that are written to.

    Args:
        name: The property's name, such as ``TemplateURL``.
        text: Its value; one that is an object's in S3 counts under any name.
    """
    if name in _URLS and text:
        return _of_url("template" if name.lower().startswith("template") else "s3-object", text)
    if _OBJECT.fullmatch(text) and not _WRITTEN_TO.search(name):
        return _of_url("s3-object", text)
    return None


def _of_url(kind: str, text: str) -> Address:
    try:
        parts = urlsplit(text)
        version = parse_qs(parts.query).get("versionId", [""])[-1]
    except ValueError:
        return Address(kind, text, "")
    # What a query says besides the version is often a signature, and never which content it is.
    return Address(kind, parts._replace(query="", fragment="").geturl(), version if is_literal(version) else "")


def _first(value: Mapping[str, Any], names: tuple[str, ...], known: Mapping[str, Any]) -> str:
    return next((text for name in names if name in value and (text := spelled(value[name], known))), "")
