"""DynamoDB, S3, KMS and Step Functions in memory, as far as the approval workflow asks them for anything.

Every call is checked against botocore's own model of the service, so that no test passes with a parameter that AWS does
not have; conditions are evaluated, and signatures are real ones of P-256.
"""

from __future__ import annotations

import copy
import hashlib
import io
import re
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from tests.approval import signing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ACCOUNT = "111111111111"
KEY_ARN = "arn:aws:kms:eu-central-1:111111111111:key/"
EVIDENCE_KEY, DECISION_KEY, TRUST_KEY = (f"{KEY_ARN}{name}" for name in ("evidence", "decision", "trust"))
TABLES = {
    "evidence": ("chain", "number"),
    "trust": ("chain", "number"),
    "requests": ("approval",),
    "tokens": ("approval",),
    "credentials": ("person", "credential"),
    "runs": ("run",),
}
_TEST = re.compile(r"(?P<name>#?\w+) (?P<sign>=|<|>|>=) (?P<value>:\w+)")


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _check(service: str, operation: str, call: dict[str, Any]) -> None:
    shape = _model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(call, shape)
    assert not report.has_errors(), report.generate_report()


def aws_error(code: str, operation: str = "Call") -> ClientError:
    """Return an error as boto3 raises it."""
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Faults:
    """Raises where a test wants a function to die: before or after one of the writes that are counted."""

    def __init__(self) -> None:
        self.at: tuple[int, str] | None = None
        self.calls: list[str] = []

    def around(self, name: str, action: Callable[[], Any]) -> Any:
        number = len(self.calls)
        self.calls.append(name)
        if self.at == (number, "before"):
            raise Crash(f"before {name}")
        try:
            return action()
        finally:
            # Also where the call was refused: the function dies before it learns of it.
            if self.at == (number, "after"):
                raise Crash(f"after {name}")


class Crash(Exception):  # noqa: N818 - short, since tests are full of it
    """A function died."""


class FakeDynamo:
    """Tables in memory; a page of a query has `page` items."""

    def __init__(self, faults: Faults | None = None, *, page: int = 50) -> None:
        self.tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in TABLES}
        self.faults = faults or Faults()
        self.page = page
        self.lock = threading.RLock()

    def put_item(self, **call: Any) -> dict[str, Any]:
        _check("dynamodb", "PutItem", call)
        return self._write("put", call, call["Item"])

    def update_item(self, **call: Any) -> dict[str, Any]:
        _check("dynamodb", "UpdateItem", call)
        return self._write("update", call, call["Key"])

    def delete_item(self, **call: Any) -> dict[str, Any]:
        _check("dynamodb", "DeleteItem", call)
        return self._write("delete", call, call["Key"])

    def get_item(self, **call: Any) -> dict[str, Any]:
        _check("dynamodb", "GetItem", call)
        item = self.tables[call["TableName"]].get(_key(call["TableName"], call["Key"]))
        return {"Item": copy.deepcopy(item)} if item else {}

    def query(self, **call: Any) -> dict[str, Any]:
        _check("dynamodb", "Query", call)
        items = [item for item in self._items(call) if _holds(item, call["KeyConditionExpression"], call)]
        table = call["TableName"]
        sort = "created" if call.get("IndexName") else TABLES[table][-1]
        items.sort(key=lambda item: _value(item[sort]), reverse=call.get("ScanIndexForward") is False)
        return self._paged(items, call)

    def scan(self, **call: Any) -> dict[str, Any]:
        _check("dynamodb", "Scan", call)
        found = [item for item in self._items(call) if _holds(item, call.get("FilterExpression", ""), call)]
        return self._paged(found, call)

    def _items(self, call: dict[str, Any]) -> list[dict[str, Any]]:
        with self.lock:
            return list(self.tables[call["TableName"]].values())

    def _paged(self, items: list[dict[str, Any]], call: dict[str, Any]) -> dict[str, Any]:
        start = int(call.get("ExclusiveStartKey", {}).get("at", {}).get("N", "0"))
        end = start + min(self.page, call.get("Limit", self.page))
        more = {"LastEvaluatedKey": {"at": {"N": str(end)}}} if end < len(items) else {}
        return {"Items": copy.deepcopy(items[start:end]), **more}

    def _write(self, kind: str, call: dict[str, Any], where: dict[str, Any]) -> dict[str, Any]:
        name = call["TableName"]

        def action() -> None:
            with self.lock:
                key = _key(name, where)
                there = self.tables[name].get(key, {})
                if not _holds(there, call.get("ConditionExpression", ""), call):
                    raise aws_error("ConditionalCheckFailedException")
                if kind == "put":
                    self.tables[name][key] = copy.deepcopy(call["Item"])
                elif kind == "delete":
                    self.tables[name].pop(key, None)
                else:
                    self.tables[name][key] = _updated({**copy.deepcopy(there), **where}, call)

        self.faults.around(f"{kind} {name}", action)
        return {}


class FakeS3:
    """Versioned buckets in memory."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.objects: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
        self.faults = faults or Faults()

    def put_object(self, **call: Any) -> dict[str, Any]:
        _check("s3", "PutObject", call)
        place = call["Bucket"], call["Key"]

        def action() -> dict[str, Any]:
            versions = self.objects.setdefault(place, [])
            if call.get("IfNoneMatch") == "*" and versions:
                raise aws_error("PreconditionFailed")
            version = hashlib.sha256(f"{place}{len(versions)}".encode()).hexdigest()[:32]
            versions.append((version, bytes(call["Body"])))
            return {"VersionId": version}

        answer: dict[str, Any] = self.faults.around(f"object {call['Key'].split('/')[0]}", action)
        return answer

    def get_object(self, **call: Any) -> dict[str, Any]:
        _check("s3", "GetObject", call)
        versions = self.objects.get((call["Bucket"], call["Key"]), [])
        found = [each for each in versions if call.get("VersionId", each[0]) == each[0]]
        if not found:
            raise aws_error("NoSuchKey")
        version, body = found[-1]
        return {"Body": io.BytesIO(body), "VersionId": version}

    def list_objects_v2(self, **call: Any) -> dict[str, Any]:
        _check("s3", "ListObjectsV2", call)
        keys = sorted(
            key for bucket, key in self.objects if bucket == call["Bucket"] and key.startswith(call["Prefix"])
        )
        return {"Contents": [{"Key": key} for key in keys], "IsTruncated": False}

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        return sorted(key for name, key in self.objects if name == bucket and key.startswith(prefix))


class FakeKms:
    """Keys on P-256, one for each ARN that is known; signs as KMS does, and says who asked."""

    def __init__(self, arns: Iterable[str] = (EVIDENCE_KEY, DECISION_KEY, TRUST_KEY)) -> None:
        self.keys = {arn: signing.make_key(number) for number, arn in enumerate(arns, 1_234_567)}
        self.signed: list[str] = []

    def sign(self, **call: Any) -> dict[str, Any]:
        _check("kms", "Sign", call)
        assert (call["MessageType"], call["SigningAlgorithm"]) == ("DIGEST", "ECDSA_SHA_256")
        self.signed.append(call["KeyId"])
        return {"Signature": signing.der_of(*signing.sign_digest(self._key(call), call["Message"]))}

    def get_public_key(self, **call: Any) -> dict[str, Any]:
        _check("kms", "GetPublicKey", call)
        return {"PublicKey": self._key(call).public.der()}

    def _key(self, call: dict[str, Any]) -> signing.PrivateKey:
        if call["KeyId"] not in self.keys:
            raise aws_error("NotFoundException")
        return self.keys[call["KeyId"]]


class FakeStepFunctions:
    """Starts executions, each name once."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.executions: dict[str, str] = {}
        self.faults = faults or Faults()

    def start_execution(self, **call: Any) -> dict[str, Any]:
        _check("stepfunctions", "StartExecution", call)

        def action() -> dict[str, Any]:
            if self.executions.setdefault(call["name"], call["input"]) != call["input"]:
                raise aws_error("ExecutionAlreadyExists")
            return {"executionArn": call["name"]}

        answer: dict[str, Any] = self.faults.around("start", action)
        return answer


def _key(table: str, item: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(_value(item[name]) for name in TABLES[table])


def _value(typed: dict[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    return int(value) if kind == "N" else value


def _holds(item: dict[str, Any], expression: str, call: dict[str, Any]) -> bool:
    """Evaluate a condition: parts joined by AND, each one of those that are used here."""
    names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})
    for part in expression.split(" AND ") if expression else ():
        function = re.fullmatch(r"(attribute_not_exists|attribute_exists)\((#?\w+)\)", part)
        if function:
            wanted = function[1] == "attribute_exists"
            if (names.get(function[2], function[2]) in item) is not wanted:
                return False
            continue
        test = _TEST.fullmatch(part)
        assert test, f"no condition that this fake knows: {part}"
        typed = item.get(names.get(test["name"], test["name"]))
        if typed is None:
            return False
        left, right = _value(typed), _value(values[test["value"]])
        if not {"=": left == right, "<": left < right, ">": left > right, ">=": left >= right}[test["sign"]]:
            return False
    return True


def _updated(item: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    names, values = call.get("ExpressionAttributeNames", {}), call["ExpressionAttributeValues"]
    changed, _, removed = call["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
    for part in changed.split(", "):
        name, value = part.split(" = ")
        item[names.get(name, name)] = values[value]
    for name in filter(None, removed.split(", ")):
        item.pop(names.get(name, name), None)
    return item
