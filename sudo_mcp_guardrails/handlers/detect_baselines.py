"""Where baselines are kept in AWS: a bucket with versions, which one function writes and all others read.

``documents/`` has the baselines, ``journal/`` what was noted of runs that are not learned yet, ``incidents/`` when an
agent last gave cause for one. Documents are written on the condition that they are as they were read (S3 user guide,
"Prevent object overwrites with conditional writes"). Every version of a document is kept for four weeks.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from sudo_mcp_guardrails.detection.baseline.document import MAX_BYTES
from sudo_mcp_guardrails.detection.baseline.journal import digest_of
from sudo_mcp_guardrails.detection.baseline.shelf import ConflictError, Listed
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sudo_mcp_guardrails.detection.baseline.journal import Notes

DOCUMENTS: Final = "documents/"
JOURNAL: Final = "journal/"
INCIDENTS: Final = "incidents/"
MAX_LISTED: Final = 200_000
"""Documents of the journal that one pass looks at; the others wait for the next one."""
MAX_NAME: Final = 300
"""Characters of a name in a key; who has a longer one is not learned."""
_MAX_HEAD: Final = 8_192
_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_CONFLICT: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409", *_MISSING})
_AT_ONCE: Final = 1_000

_log = logging.getLogger(__name__)


class S3Baselines:
    """Baselines in a bucket; a :class:`~sudo_mcp_guardrails.detection.baseline.shelf.LearnerStore`.

    What was not there stays absent for this object: make a new one to look again. Runs are never stored; what is known
    of them is in the journal.

    Args:
        client: boto3's client of S3.
        bucket: its name.
    """

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401 - boto3's
        self._client = client
        self._bucket = bucket
        self._tags: dict[str, str | None] = {}
        self._marks: dict[str, frozenset[str]] = {}
        self._next: dict[str, tuple[str, ...]] = {}

    def load(self, key: str) -> bytes | None:
        """Return a document.

        Raises:
            DetectionError: it is too large, or its first line is damaged.
            Exception: what S3 answers.
        """
        if key.startswith("run/") or self._tags.get(key, "") is None:
            return None
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=_document(key))
        except Exception as error:
            if _code(error) not in _MISSING:
                raise
            self._tags[key] = None
            return None
        most = MAX_BYTES + _MAX_HEAD
        body: bytes = answer["Body"].read(most + 1)
        if len(body) > most:
            raise DetectionError(f"baseline {key[:80]!r} has more than {most} bytes, allowed: {most}")
        line, _, data = body.partition(b"\n")
        try:
            head = json.loads(line[:_MAX_HEAD])
            self._marks[key] = frozenset(map(str, head["runs"]))
        except (ValueError, KeyError, TypeError):
            raise DetectionError(f"baseline {key[:80]!r} begins with {line[:40]!r}, allowed: until and runs") from None
        self._tags[key] = str(answer["ETag"])
        return data

    def save(self, key: str, data: bytes, until: int) -> None:
        """Keep a document, where it is as it was read.

        Raises:
            ConflictError: another process wrote it meanwhile.
            Exception: what S3 answers.
        """
        if key.startswith("run/"):
            return
        runs = self._next.pop(key, ())
        head = json.dumps({"until": until, "runs": list(runs)}, separators=(",", ":")).encode("ascii")
        tag = self._tags.get(key)
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=_document(key),
                Body=head + b"\n" + data,
                ContentType="application/octet-stream",
                **condition,
            )
        except Exception as error:
            if _code(error) not in _CONFLICT:
                raise
            raise ConflictError(f"baseline {key[:80]!r} was written by another process meanwhile") from None
        self._tags[key] = str(answer["ETag"])
        self._marks[key] = frozenset(runs)

    def delete(self, key: str) -> None:
        """Forget a run, which is not stored here; raises DetectionError for anything else."""
        if not key.startswith("run/"):
            raise DetectionError(f"baseline {key[:80]!r} is not deleted here, allowed: runs")

    def mark(self, key: str, runs: Sequence[str]) -> None:
        """Say what stands beside a document when it is saved next."""
        self._next[key] = tuple(runs)

    def marks(self, key: str) -> frozenset[str]:
        """Return what stands beside a document as it was loaded or saved last."""
        return self._marks.get(key, frozenset())


class S3Shelf:
    """The journal and the incidents, in the same bucket.

    Args:
        client: boto3's client of S3.
        bucket: its name.
        clock: seconds since 1970.
    """

    def __init__(self, client: Any, bucket: str, clock: Callable[[], float] = time.time) -> None:  # noqa: ANN401 - boto3's
        self._client = client
        self._bucket = bucket
        self._clock = clock

    def write(self, notes: Notes) -> None:
        """Keep what a batch showed of a run; the same again changes nothing."""
        names = [_name(notes.agent), _name(notes.run)]
        if None in names:
            _log.warning(json.dumps({"agent": notes.agent[:80], "not noted": "its name is too long for a key"}))
            return
        data = notes.to_bytes()
        key = f"{JOURNAL}{names[0]}/{names[1]}/{digest_of(data)}"
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType="application/octet-stream")

    def runs(self) -> Iterator[Listed]:
        """Yield the runs that were noted, sorted by agent; of more than 200,000 documents the first ones."""
        held: list[tuple[str, int]] = []
        place = ""
        for number, (key, modified) in enumerate(self._listed(), 1):
            here = key.rpartition("/")[0]
            if here != place and held:
                yield _run(place, held)
                held = []
            if number > MAX_LISTED:
                _log.warning(json.dumps({"journal": f"has more than {MAX_LISTED} documents", "left": True}))
                return
            place = here
            held.append((key, modified))
        if held:
            yield _run(place, held)

    def read(self, document: str) -> bytes | None:
        """Return a document; None where it is gone."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=document)
        except Exception as error:
            if _code(error) not in _MISSING:
                raise
            return None
        body: bytes = answer["Body"].read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise DetectionError(f"document {document[:120]!r} has more than {MAX_BYTES} bytes, allowed: {MAX_BYTES}")
        return body

    def forget(self, documents: Sequence[str]) -> None:
        """Delete documents."""
        for begin in range(0, len(documents), _AT_ONCE):
            keys = [{"Key": one} for one in documents[begin : begin + _AT_ONCE]]
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise DetectionError(f"document {first.get('Key', '')[:120]!r} was not deleted: {first.get('Code')}")

    def incident(self, agent: str) -> int | None:
        """Return when an agent last gave cause for an incident; None where it never did, or weeks ago."""
        name = _name(agent)
        data = self.read(f"{INCIDENTS}{name}") if name is not None else None
        if data is None:
            return None
        try:
            return int(json.loads(data)["time"])
        except (ValueError, KeyError, TypeError):
            raise DetectionError(f"incident of {agent[:80]!r} is {data[:80]!r}, allowed: an object with time") from None

    def note_incident(self, agent: str, time: int | None = None, why: str = "") -> None:
        """Note a cause for an incident; the time is now where none is given."""
        name = _name(agent)
        if name is not None:
            body = json.dumps({"time": int(self._clock()) if time is None else time, "why": why[:500]})
            key = f"{INCIDENTS}{name}"
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body.encode("ascii"), ContentType="application/json"
            )

    def _listed(self) -> Iterator[tuple[str, int]]:
        options: dict[str, Any] = {"Bucket": self._bucket, "Prefix": JOURNAL}
        while True:
            answer = self._client.list_objects_v2(**options)
            for one in answer.get("Contents", []):
                yield str(one["Key"]), int(one["LastModified"].timestamp())
            if not answer.get("IsTruncated"):
                return
            options["ContinuationToken"] = answer["NextContinuationToken"]


def _run(place: str, held: list[tuple[str, int]]) -> Listed:
    agent, _, run = place.removeprefix(JOURNAL).partition("/")
    newest = max(modified for _, modified in held)
    agent, run = (unquote(text, errors="surrogatepass") for text in (agent, run))
    return Listed(agent, run, tuple(key for key, _ in held), newest)


def _document(key: str) -> str:
    kind, _, name = key.partition("/")
    quoted = _name(name)
    if quoted is None:
        raise DetectionError(f"baseline {key[:80]!r} has a name of {len(name)} characters, which no key takes")
    return f"{DOCUMENTS}{kind}/{quoted}"


def _name(text: str) -> str | None:
    """Return a name as a part of a key; None where it is too long."""
    found = quote(text, safe="", errors="surrogatepass")
    return found if 0 < len(found) <= MAX_NAME else None


def _code(error: BaseException) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
