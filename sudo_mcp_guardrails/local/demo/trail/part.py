"""The demo's part "trail": from what the agents did to the trace of one run."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION
from sudo_mcp_guardrails.local.demo.trail import process
from sudo_mcp_guardrails.local.demo.trail.result import TrailResult
from sudo_mcp_guardrails.local.demo.trail.target import StoreTarget, metrics, receive
from sudo_mcp_guardrails.trail.ledger import DynamoLedger
from sudo_mcp_guardrails.trail.reading import read_pieces
from sudo_mcp_guardrails.trail.trace.gather import gather
from sudo_mcp_guardrails.trail.trace.tree import trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.local.demo.trail.target import Target
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.trail.event import Event

STACK: Final = "Trail"
SAMPLES: Final = Path(__file__).parents[4].parent / "shared" / "data" / "cloudtrail"
"""Public trail files beside the checkout; where they are absent, the agents' own events are all there is."""
_SAMPLE_ENDINGS: Final = (".json", ".jsonl", ".gz")
_SETTLE_SECONDS: Final = 1.2
"""The embedded CloudTrail delivers half a second after a call; AWS takes about five minutes."""
_DEADLINE: Final = 40.0
_PAUSE: Final = 0.25
_TRACED: Final = 5


def parameters(target: Target) -> dict[str, str]:
    """Return what the stack is deployed with.

    Where the store serves, no function may read a queue: it would fail, and hold its messages back for minutes.
    """
    reads = "false" if isinstance(target, StoreTarget) else "true"
    return {f"{STACK}:SearchEndpoint": target.url, f"{STACK}:Ingesting": reads}


class TrailPartError(GuardrailsError):
    """The trail did not come through; the message says how far it came."""


@dataclass
class TrailPart:
    """Sets the pipeline up before the scenarios, and looks at what it holds after them.

    Args:
        aws: The embedded AWS.
        outputs: Of the stack.
        target: Where events go.
    """

    aws: EmbeddedAws
    outputs: Mapping[str, str]
    target: Target
    _printed: list[str] = field(default_factory=list)
    _samples: set[str] = field(default_factory=set)

    def set_up(self) -> int:
        """Make the pipeline ready, and lay the samples down for the trail to deliver; return how many there are.

        Raises:
            TrailPartError: The domain cannot be set up.
        """
        if not isinstance(self.target, StoreTarget):
            self._invoke(self.outputs["TrailReconciler"], {"task": "setup"})
        trail = self.outputs["TrailName"].rpartition("/")[2]
        for path in sorted(SAMPLES.glob("**/*")):
            if path.is_file() and path.suffix in _SAMPLE_ENDINGS:
                data = path.read_bytes()
                name = _named(data)
                self.aws.hand_to_trail(trail, name, data)
                self._samples.add(name)
        return len(self._samples)

    def look(self) -> TrailResult:
        """Wait until what the trail has delivered is taken in, and say what is found.

        Raises:
            TrailPartError: It is not taken in in time.
        """
        started = time.monotonic()
        time.sleep(_SETTLE_SECONDS)
        delivered = self._delivered()
        if not delivered:
            raise TrailPartError(f"the trail delivered nothing into bucket {self.outputs['TrailBucket']!r}")
        while missing := delivered - self._taken_in():
            if time.monotonic() - started > _DEADLINE:
                raise TrailPartError(
                    f"{len(missing)} of {len(delivered)} trail files are not taken in after {_DEADLINE:.0f} s, "
                    f"such as {min(missing)}"
                )
            time.sleep(_PAUSE)
        if isinstance(self.target, StoreTarget):
            self.target.finish()
        found = self.target.count()
        result = TrailResult(
            self.target.shown,
            files=len(delivered),
            samples=sum(name.rpartition("/")[2] in self._samples for name in delivered),
            searchable=found,
            attributed=self.target.count(attributed=True),
            seconds=time.monotonic() - started,
            locked=self._is_locked(min(delivered)),
        )
        self._trace(result)
        if not isinstance(self.target, StoreTarget):
            # Seen now, before the function is started anew to see how long that takes.
            result.function_mb = process.peak_mb(self.outputs["TrailFunction"])
            result.reconciled = self._invoke(self.outputs["TrailReconciler"], {"task": "reconcile", "deep": True})
            self._stop_the_function()
            result.cold_ms, result.warm_ms = process.start_ms(self._of("lambda"), self.outputs["TrailFunction"])
            self._printed.append(self._log())
        result.add(metrics("\n".join(self._printed)))
        return result

    def events(self) -> Iterator[Event]:
        """Yield the account's own events, from the files that the trail has delivered."""
        s3 = self._of("s3")
        for name in sorted(self._delivered()):
            bucket, _, key = name.removeprefix("s3://").partition("/")
            if key.rpartition("/")[2] not in self._samples:
                for content in read_pieces(key, s3.get_object(Bucket=bucket, Key=key)["Body"].read()):
                    yield from content.events

    def _trace(self, result: TrailResult) -> None:
        """Trace the run with the most events, of those whose person is known, where there is any."""
        runs = self.target.runs()
        if not runs:
            raise TrailPartError("no event of the trail is known by a run, expected those of the agents' sessions")
        result.runs = len(runs)
        # By name where several have as many, so that it is the same one each time.
        most = sorted(sorted(runs), key=lambda run: -runs[run])[:_TRACED]
        traces = [trace(gather(run, self.target.rows())) for run in most]
        result.trace = max(traces, key=lambda made: bool(made.summary()["people"]))

    def _delivered(self) -> set[str]:
        """Return the names of the trail's files in the bucket, as the ledger has them."""
        bucket = self.outputs["TrailBucket"]
        pages = self._of("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="AWSLogs/")
        return {f"s3://{bucket}/{entry['Key']}" for page in pages for entry in page.get("Contents", [])}

    def _taken_in(self) -> set[str]:
        if isinstance(self.target, StoreTarget):
            self._take(self.target)
            return self.target.names()
        variables = self._of("lambda").get_function_configuration(FunctionName=self.outputs["TrailFunction"])
        table = variables["Environment"]["Variables"]["LEDGER_TABLE"]
        return set(DynamoLedger(self._of("dynamodb"), table).records())

    def _take(self, target: StoreTarget) -> None:
        """Do what the event source mapping does: hand messages to the handler, and delete those that did not fail."""
        sqs = self._of("sqs")
        for queue in (self.outputs["TrailQueue"], self.outputs["TrailFastQueue"]):
            while messages := receive(sqs, queue):
                failed, printed = target.take(self._of("s3"), messages)
                self._printed.append(printed)
                for message in messages:
                    if message["MessageId"] not in failed:
                        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def _is_locked(self, name: str) -> bool:
        """Return whether the account's own root is refused when it deletes a version of a delivered file."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

        bucket, _, key = name.removeprefix("s3://").partition("/")
        s3 = self._of("s3")
        version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
        try:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "AccessDenied")
        return False

    def _stop_the_function(self) -> None:
        """Have no queue start the ingester any more."""
        functions = self._of("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["FunctionArn"].endswith(f":{self.outputs['TrailFunction']}"):
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def _log(self) -> str:
        """Return what the ingester has logged."""
        config = self._of("lambda").get_function_configuration(FunctionName=self.outputs["TrailFunction"])
        group = config["LoggingConfig"]["LogGroup"]
        pages = self._of("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def _invoke(self, function: str, task: dict[str, Any]) -> dict[str, Any]:
        answer = self._of("lambda").invoke(FunctionName=function, Payload=json.dumps(task).encode())
        body = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise TrailPartError(f"task {task['task']!r} of the pipeline failed: {body.get('errorMessage', body)}")
        return dict(body)

    def _of(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        return self.aws.client(service, account=ACCOUNT)


def _named(data: bytes) -> str:
    """Return a name as CloudTrail gives one, so that a comparison knows the file for one of the trail's."""
    ending = ".json.gz" if data[:2] == b"\x1f\x8b" else ".json"
    now = datetime.now(timezone.utc)
    return f"{ACCOUNT}_CloudTrail_{REGION}_{now:%Y%m%dT%H%MZ}_{hashlib.sha256(data).hexdigest()[:16]}{ending}"
