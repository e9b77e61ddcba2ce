"""The rows of a Terraform plan, as changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Operation
from sudo_mcp_guardrails.approval.reading.carried import note_templates
from sudo_mcp_guardrails.approval.reading.hidden import note_hidden
from sudo_mcp_guardrails.approval.reading.known import arn_parts
from sudo_mcp_guardrails.approval.reading.source import as_list, as_object, as_text, same
from sudo_mcp_guardrails.approval.reading.terraform_configuration import base_address
from sudo_mcp_guardrails.approval.reading.terraform_marks import at, marked
from sudo_mcp_guardrails.approval.secret_names import secret_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.reading.known import Known
    from sudo_mcp_guardrails.approval.reading.outside import Outside
    from sudo_mcp_guardrails.approval.reading.terraform_configuration import Configuration, Configured

_OPERATIONS: Final = {
    ("create",): Operation.CREATE,
    ("read",): Operation.CALL,
    ("update",): Operation.UPDATE,
    ("delete", "create"): Operation.REPLACE,
    ("create", "delete"): Operation.REPLACE,
    ("delete",): Operation.DELETE,
    ("forget",): Operation.UPDATE,
    ("create", "forget"): Operation.REPLACE,
}
_PROVIDERS: Final = frozenset(
    {
        "terraform.io/builtin/terraform",
        *(
            f"registry.{registry}/hashicorp/{name}"
            for registry in ("terraform.io", "opentofu.org")
            for name in ("archive", "aws", "awscc", "null", "random", "time", "tls")
        ),
    }
)
"""Providers whose plans say what they do; any other one is code that nobody here knows."""
_FILES: Final = {
    "aws_lambda_function": "filename",
    "aws_lambda_layer_version": "filename",
    "aws_s3_object": "source",
    "aws_s3_bucket_object": "source",
    "aws_synthetics_canary": "zip_file",
    "aws_elastic_beanstalk_application_version": "source",
}
"""Types that take in a file of the machine that applies the plan, and the argument that names it."""
_FILE_HASHES: Final = ("source_code_hash", "source_hash", "etag")
_TARGETS: Final = frozenset({"aws_s3_object", "aws_s3_bucket_object"})
"""Types whose bucket and key are what they make, and not what they take in."""
_COMPUTED: Final = frozenset({"tags_all"})
_AWS: Final = ("aws_", "awscc_")
_MOST_EDGES: Final = 200_000


class TerraformChanges:
    """Reads the rows of one plan.

    Args:
        outside: Collects what cannot be told.
        configuration: Of the plan.
        known: What the caller knows.
    """

    def __init__(self, outside: Outside, configuration: Configuration, known: Known) -> None:
        self._outside = outside
        self._configuration = configuration
        self._known = known

    def read(self, rows: list[Any]) -> tuple[Change, ...]:
        """Return the changes, each with those that need it.

        Raises:
            PlanError: A row is malformed.
        """
        changes = [change for number, row in enumerate(rows) for change in self._change(row, number)]
        at_address: dict[str, list[str]] = {}
        for change in changes:
            at_address.setdefault(base_address(change.options["Address"]), []).append(change.id)
        dependent: dict[str, set[str]] = {}
        edges = 0
        for change in changes:
            configured = self._configuration.of(change.options["Address"])
            for needed in configured.needs if configured else ():
                ids = at_address.get(needed, [])
                edges += len(ids)
                if edges > _MOST_EDGES:
                    self._outside.say("", f"its resources need each other in more than {_MOST_EDGES} ways")
                    return tuple(changes)
                for id_ in ids:
                    dependent.setdefault(id_, set()).add(change.id)
        return tuple(
            replace(change, dependent=tuple(sorted(dependent.get(change.id, set()) - {change.id})))
            for change in changes
        )

    def _change(self, raw: object, number: int) -> Iterator[Change]:
        place = f"the Terraform plan: resource_changes[{number}]"
        row = as_object(raw, place)
        address = as_text(row.get("address"), f"{place}.address")
        kind = as_text(row.get("type"), f"{place}.type")
        deposed = row.get("deposed")
        id_ = f"{address} (deposed {deposed})" if deposed else address
        change = as_object(row.get("change"), f"{place}.change")
        operation = self._operation(row, change, id_, f"{place}.change")
        if operation is None:
            return
        before, after = (self._side(change, side, f"{place}.change.{side}") for side in ("before", "after"))
        configured = self._configuration.of(address)
        sensitive = {path for side in ("before", "after") for path in marked(change.get(f"{side}_sensitive"))}
        sensitive |= {*secret_paths(before), *secret_paths(after)}
        if operation is not Operation.DELETE:
            self._note_unknown(id_, change, configured)
            hidden = marked(change.get("after_sensitive"))
            note_hidden(
                self._outside, id_, kind, (path for path in hidden if at(after, path) not in (None, "", [], {}))
            )
            self._note_content(id_, kind, operation, before, after)
        self._note_carried(id_, kind, row, configured)
        provider = configured.provider if configured else ""
        account, region = self._where(before, after, provider)
        if kind.startswith(_AWS) and not (account and region):
            self._outside.say(id_, f"its {'account' if not account else 'Region'} is not told")
        identifier = before.get("id") if isinstance(before, dict) else None
        yield Change(
            operation=operation,
            type=kind,
            id=id_,
            account=account,
            region=region,
            physical_id=identifier if isinstance(identifier, str) and identifier else None,
            before=before,
            after=after,
            changed=_changed(before, after, change),
            sensitive=tuple(sorted(sensitive)),
            options=_options(row, change),
        )

    def _operation(self, row: dict[str, Any], change: dict[str, Any], id_: str, place: str) -> Operation | None:
        """Return what is done to a resource; None where nothing is."""
        actions = tuple(
            as_text(each, f"{place}.actions") for each in as_list(change.get("actions"), f"{place}.actions")
        )
        if actions == ("no-op",):
            if change.get("importing"):
                return Operation.IMPORT
            # A resource that only gets another address changes in the state alone; which one is told.
            return Operation.UPDATE if row.get("previous_address") else None
        if "forget" in actions:
            self._outside.say(id_, "Terraform forgets what is there, and leaves it as it is")
        if actions == ("read",):
            self._outside.say(id_, "it is read when the plan is applied, and nobody knows what it then says")
        if actions not in _OPERATIONS:
            self._outside.say(id_, "its actions are none that this reader knows")
        return _OPERATIONS.get(actions, Operation.REPLACE)

    def _side(self, change: dict[str, Any], side: str, place: str) -> dict[str, Any] | None:
        value = change.get(side)
        return None if value is None else as_object(value, place)

    def _note_unknown(self, id_: str, change: dict[str, Any], configured: Configured | None) -> None:
        """Note what is known only when the plan is applied, but for what AWS itself chooses, such as an ARN."""
        names = set()
        for path in marked(change.get("after_unknown")):
            name = path[0] if path else "all of it"
            expressions = configured.expressions if configured else None
            chosen = expressions is not None and name not in expressions and (len(path) == 1 or name in _COMPUTED)
            if not chosen:
                names.add(name)
        for name in sorted(names):
            self._outside.say(id_, f"{name} has a value that is known only after it is applied")

    def _note_content(self, id_: str, kind: str, operation: Operation, before: Any, after: Any) -> None:  # noqa: ANN401
        if not isinstance(after, dict):
            return
        looked_at = {name: item for name, item in after.items() if kind not in _TARGETS or name != "bucket"}
        self._outside.change(id_, before if operation is Operation.UPDATE else None, looked_at)
        argument = _FILES.get(kind)
        file = after.get(argument) if argument else None
        if not argument or not isinstance(file, str) or not file:
            return
        kept = isinstance(before, dict) and all(same(before.get(n), after.get(n)) for n in (argument, *_FILE_HASHES))
        if operation is not Operation.UPDATE or not kept:
            self._outside.pin(id_, "file", f"file:{file}", what=f"file {file}, read where the plan is applied,")

    def _note_carried(self, id_: str, kind: str, row: dict[str, Any], configured: Configured | None) -> None:
        note_templates(self._outside, id_, kind)
        if str(row.get("provider_name")) not in _PROVIDERS:
            self._outside.say(id_, "its provider is none whose plans are known to say what it does")
        for provisioner in configured.provisioners if configured else ():
            self._outside.say(id_, f"provisioner {provisioner} runs commands that are in no change")

    def _where(self, before: Any, after: Any, provider: str) -> tuple[str, str]:  # noqa: ANN401 - JSON
        """Return account and Region: what the resource says itself, its provider, and then the caller."""
        sides = [side for side in (before, after) if isinstance(side, dict)]
        parts = [found for side in sides if (found := arn_parts(side.get("arn")))]
        account = next((each for _, each in parts if each), "") or self._configuration.account_of(provider)
        stated = next((side["region"] for side in reversed(sides) if isinstance(side.get("region"), str)), "")
        region = stated or next((each for each, _ in parts if each), "") or self._configuration.region_of(provider)
        return account or self._known.account, region or self._known.region


def _changed(before: Any, after: Any, change: dict[str, Any]) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ()
    names = {name for name in {*before, *after} if not same(before.get(name), after.get(name))}
    unknown = {path[0] for path in marked(change.get("after_unknown")) if path}
    return tuple(sorted(names | unknown))


def _options(row: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Keep what else a row says, also what this code does not know, so that the digest covers it."""
    taken = {"address", "type", "change"}
    kept = {name: item for name, item in row.items() if name not in taken}
    more = {name: item for name, item in change.items() if name not in {"before", "after"}}
    both = kept.keys() & more.keys()
    if both:
        raise PlanError(f"a row and its change both have {min(both)!r}")
    return {"Address": row["address"], **kept, **more}
