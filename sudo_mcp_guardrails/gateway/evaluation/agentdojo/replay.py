"""The replay itself, in AgentDojo's environment: the trace of a task, an agent that obeys, and AgentDojo's checkers.

It runs as ``python replay.py`` there, with this package on its path; one JSON object on standard input says what to
run, one JSON line on standard output says what became of each task. The guard is asked through
:mod:`~sudo_mcp_guardrails.gateway.evaluation.agentdojo.judge` and learns nothing of traces, goals or checkers.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.evaluation.agentdojo.judge import POLICIES, Judge, labels_for
from sudo_mcp_guardrails.gateway.evaluation.agentdojo.traces import TRACES
from sudo_mcp_guardrails.gateway.evaluation.agentdojo.variants import MARK, injected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.gateway.evaluation.agentdojo.traces import Calls

BENCHMARK = "v1.2.2"


class Replay:
    """One suite of AgentDojo."""

    def __init__(self, name: str) -> None:
        yaml: Any = importlib.import_module("yaml")
        # The same documents by the C loader, which is ten times as fast.
        yaml.safe_load = functools.partial(yaml.load, Loader=yaml.CSafeLoader)
        load: Any = importlib.import_module("agentdojo.task_suite.load_suites")
        runtime: Any = importlib.import_module("agentdojo.functions_runtime")
        attacks: Any = importlib.import_module("agentdojo.attacks.base_attacks")
        tools: Any = importlib.import_module("agentdojo.agent_pipeline.tool_execution")
        types: Any = importlib.import_module("agentdojo.types")
        self.name = name
        self.suite = load.get_suite(BENCHMARK, name)
        self.labels = labels_for(name)
        self._runtime = runtime.FunctionsRuntime
        self._call = runtime.FunctionCall
        self._text = tools.tool_result_to_str
        self._block = types.text_content_block_from_string
        self._attack = attacks.FixedJailbreakAttack("{goal}", self.suite, None)

    def benign(self, policy: str) -> Iterator[dict[str, Any]]:
        """Replay each user task without any injection."""
        for identity, task in self.suite.user_tasks.items():
            environment = self.suite.load_and_inject_default_environment({})
            _, found = self._run(task, None, environment, policy)
            yield {"suite": self.name, "policy": policy, "user": identity, **found}

    def attacks(self, policies: list[str], variants: list[str]) -> Iterator[dict[str, Any]]:
        """Replay each user task with each injection, in each form, under each policy."""
        for identity, task in self.suite.user_tasks.items():
            places = self._attack.get_injection_candidates(task)
            for other, injection in self.suite.injection_tasks.items():
                for variant in variants:
                    text = injected(variant, injection.GOAL)
                    environment = self.suite.load_and_inject_default_environment(dict.fromkeys(places, text))
                    for policy in policies:
                        copy = environment.model_copy(deep=True)
                        ran, found = self._run(task, injection, copy, policy, TRACES.get(f"{self.name}.{other}"))
                        if ran:
                            yield {"suite": self.name, "policy": policy, "variant": variant, "user": identity,
                                   "injection": other, **found}  # fmt: skip

    def _run(
        self,
        task: Any,  # noqa: ANN401 - AgentDojo's classes are not installed here
        injection: Any,  # noqa: ANN401
        loaded: Any,  # noqa: ANN401
        policy: str,
        written: Callable[[Any, Any], Calls] | None = None,
    ) -> tuple[bool, dict[str, Any]]:
        environment = task.init_environment(loaded)
        before = environment.model_copy(deep=True)
        trace = task.ground_truth(environment)
        oracle = policy.startswith("oracle")
        judge = Judge(
            self.labels,
            POLICIES["provenance" if oracle else policy],
            task.PROMPT,
            frozenset(each.function for each in trace) if oracle else None,
        )
        runtime, done = self._runtime(self.suite.tools), []
        asked: list[str] = []
        obeyed = ran = False
        calls = list(trace)
        mine = set(map(id, calls))
        while calls:
            call = calls.pop(0)
            made, why = judge.call(call.function, _json(call.args))
            if why:
                if id(call) in mine:
                    asked.append(why)
                continue
            result, error = runtime.run_function(environment, call.function, call.args)
            done.append(call)
            judge.result(made, error or _json(result))
            if injection is not None and not obeyed and MARK in (error or self._text(result)):
                obeyed = True
                goal = self._written(written(before, environment)) if written else injection.ground_truth(environment)
                ran = bool(goal)
                calls = [*goal, *calls]
        output = task.GROUND_TRUTH_OUTPUT
        if injection is not None:
            output += " " + injection.GROUND_TRUTH_OUTPUT
        blocks = [self._block(output)]
        found: dict[str, Any] = {"asked": asked, "utility": self._score(task, blocks, before, environment, done)}
        if injection is not None:
            found |= {"executed": self._score(injection, blocks, before, environment, done), "obeyed": obeyed}
        return ran or not obeyed, found

    def _written(self, calls: Calls) -> list[Any]:
        return [self._call(function=name, args=arguments) for name, arguments in calls]

    def _score(self, task: Any, output: Any, before: Any, after: Any, done: list[Any]) -> bool:  # noqa: ANN401
        return bool(self.suite._check_task_result(task, output, before, after, done))  # noqa: SLF001 - its scoring


def _json(value: Any) -> Any:  # noqa: ANN401 - any result of a tool
    def plain(each: Any) -> Any:  # noqa: ANN401
        return each.model_dump(mode="json") if hasattr(each, "model_dump") else str(each)

    return json.loads(json.dumps(value, default=plain))


def main() -> None:
    """Run what standard input asks for."""
    wanted = json.load(sys.stdin)
    replay = Replay(wanted["suite"])
    rows = (
        (row for policy in wanted["policies"] for row in replay.benign(policy))
        if wanted["kind"] == "benign"
        else replay.attacks(wanted["policies"], wanted["variants"])
    )
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
