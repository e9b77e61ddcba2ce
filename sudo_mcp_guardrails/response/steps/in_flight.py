"""The steps that stop work in flight: nothing of it comes back, a restoration lists it.

The state of each is what can be stopped now: a list of objects, each with an ``id``. What is known to be in flight and
cannot be stopped or told whose it is has ``stop`` false and a ``why``: it is written down for people, and not touched.
Sources: CloudFormation API reference, ``CancelUpdateStack`` (updates alone, and it rolls back as the stack's role) and
``DeleteChangeSet``; Cloud Control API user guide, "Managing resource operation requests"; CodeBuild API reference,
``StopBuild``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.response.steps.pages import listed
from sudo_mcp_guardrails.response.steps.step import Call

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.steps.step import State, Step

_UPDATING: Final = "UPDATE_IN_PROGRESS"
_RUNNING: Final = (
    *("CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"),
    # Past its last resource an update cannot be cancelled any more, and what is left is cleaning up.
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
)
_BATCH: Final = 100
"""Builds of one ``BatchGetBuilds``."""


class InFlight:
    """What these steps share: they hold where nothing is left that can be stopped, and are not undone."""

    restorable = False

    def holds(self, step: Step, state: State) -> bool:
        """Return whether nothing is left to stop."""
        del step
        return not any(found["stop"] for found in state)

    def left(self, step: Step, prior: State) -> State:
        """Return that nothing is; a restoration never asks."""
        del step, prior
        return []

    def undo(self, step: Step, prior: State) -> tuple[Call, ...]:
        """Return nothing: what was cancelled was approved for a moment that is over."""
        del step, prior
        return ()


class StacksWay(InFlight):
    """Cancels updates of the agents' stacks, and deletes change sets that wait."""

    service = "cloudformation"

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read the agents' stacks, by the beginning of their names, and their change sets."""
        prefixes = tuple(step.wanted["prefixes"])
        found: list[dict[str, Any]] = []
        for stack in listed(client.describe_stacks, "Stacks"):
            name, id_, status = stack["StackName"], stack["StackId"], stack.get("StackStatus", "")
            if not name.startswith(prefixes):
                continue
            if status == _UPDATING:
                found.append(_found(id_, "update", ""))
            elif status in _RUNNING:
                found.append(_found(id_, "operation", f"{status} cannot be cancelled; its role is denied each call"))
            found += [
                _found(change_set["ChangeSetId"], "change-set", "")
                for change_set in listed(client.list_change_sets, "Summaries", StackName=id_)
                if change_set.get("ExecutionStatus") in {"AVAILABLE", "UNAVAILABLE"}
            ]
        return sorted(found, key=lambda item: item["id"])

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return a call for each that can be stopped: running updates first."""
        del step
        updates = [Call("cancel_update_stack", {"StackName": f["id"]}) for f in state if _is(f, "update")]
        sets = [Call("delete_change_set", {"ChangeSetName": f["id"]}) for f in state if _is(f, "change-set")]
        return (*updates, *sets)


class RequestsWay(InFlight):
    """Cancels requests of Cloud Control. A request does not say whose it is: the name of its resource has to."""

    service = "cloudcontrol"

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read the account's requests that run."""
        prefixes = tuple(step.wanted["prefixes"])
        wanted = {"OperationStatuses": ["PENDING", "IN_PROGRESS"]}
        found = []
        for request in listed(
            client.list_resource_requests, "ResourceRequestStatusSummaries", ResourceRequestStatusFilter=wanted
        ):
            identifier = str(request.get("Identifier") or "")
            last = identifier.replace(":", "/").replace("|", "/").rsplit("/", 1)[-1]
            if last.startswith(prefixes):
                found.append(_found(request["RequestToken"], "request", ""))
            elif not identifier:
                type_ = request.get("TypeName")
                found.append(
                    _found(request["RequestToken"], "request", f"nobody can tell whose request on {type_} it is")
                )
        return sorted(found, key=lambda item: item["id"])

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return a call for each of the agents' own."""
        del step
        return tuple(Call("cancel_resource_request", {"RequestToken": f["id"]}) for f in state if f["stop"])


class BuildsWay(InFlight):
    """Stops the builds of the project that applies an agent's plans of Terraform, which builds nothing else."""

    service = "codebuild"

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read the newest builds of the project that run; older ones have ended, a build lasts eight hours at most."""
        page = client.list_builds_for_project(projectName=step.subject, sortOrder="DESCENDING")
        ids = page["ids"][:_BATCH]
        builds = client.batch_get_builds(ids=ids)["builds"] if ids else []
        running = (build["id"] for build in builds if build.get("buildStatus") == "IN_PROGRESS")
        return [_found(id_, "build", "") for id_ in sorted(running)]

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return a call for each."""
        del step
        return tuple(Call("stop_build", {"id": f["id"]}) for f in state if f["stop"])


def _found(id_: str, what: str, why: str) -> dict[str, Any]:
    return {"id": id_, "what": what, "stop": not why, "why": why}


def _is(found: dict[str, Any], what: str) -> bool:
    return bool(found["what"] == what and found["stop"])
