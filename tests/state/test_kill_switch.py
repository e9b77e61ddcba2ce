"""The kill switch: whatever is not plainly off counts as on."""

from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.state import kill_switch as module
from sudo_mcp_guardrails.state.kill_switch import FORMAT, MAX_ITEMS, KillSwitch, Switch, SwitchError, read_item
from sudo_mcp_guardrails.state.targets import Target, TargetError, TargetKind

PREFIX = "mcp-guardrails"
BY = "arn:aws:iam::111111111111:role/soc"


def switch(target: Target, level: str = "K2", at: int = 100) -> Switch:
    return Switch(target, level, "it reads every secret there is", BY, at, "INC-42")


ITEM = switch(Target.agent("release-bot")).item(PREFIX)


class Table:
    """A table in pages of two items, as one consistent query reads it."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)
        self.calls: list[dict[str, Any]] = []

    def query(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        assert call["ConsistentRead"] is True
        assert call["ExpressionAttributeValues"] == {":switch": {"S": PREFIX}}
        start = int(call.get("ExclusiveStartKey", {}).get("at", {}).get("N", "0"))
        page = {"Items": self.items[start : start + 50]}
        more = {"LastEvaluatedKey": {"at": {"N": str(start + 50)}}} if start + 50 < len(self.items) else {}
        return page | more


def read(*items: Any) -> KillSwitch:
    return KillSwitch.reading(Table(*items), "table", PREFIX)


class TestReading:
    def test_an_empty_table_contains_nobody(self) -> None:
        assert read().allows("release-bot").allowed
        assert read().allows("release-bot").reason == ""

    @pytest.mark.parametrize(
        ("target", "agent", "allowed"),
        [
            (Target.agent("release-bot"), "release-bot", False),
            (Target.agent("release-bot"), "release-bot-2", True),
            (Target.of_class("release-*"), "release-bot", False),
            (Target.of_class("release-*"), "released", True),
            (Target.of_class("release-*"), "release", True),
            (Target.everyone(), "anybody", False),
            (Target.everyone(), "", False),
        ],
    )
    def test_whom_an_item_is_about(self, target: Target, agent: str, *, allowed: bool) -> None:
        assert read(switch(target).item(PREFIX)).allows(agent).allowed is allowed

    def test_the_highest_level_says_why(self) -> None:
        items = [switch(Target.agent("release-bot"), "K1"), switch(Target.everyone(), "K4")]
        verdict = read(*(found.item(PREFIX) for found in items)).allows("release-bot")
        assert (verdict.level, verdict.incident) == ("K4", "INC-42")
        assert verdict.reason == "all is contained at K4"

    def test_all_pages_are_read(self) -> None:
        items = [switch(Target.agent(f"bot-{n}")).item(PREFIX) for n in range(120)]
        found = read(*items)
        assert len(found.thrown) == 120
        assert not found.allows("bot-119").allowed
        assert found.allows("bot-120").allowed


class TestFailsClosed:
    def _contains(self, found: KillSwitch, match: str) -> None:
        verdict = found.allows("release-bot")
        assert not verdict.allowed
        assert match in verdict.reason
        assert not found.allows("cost-bot").allowed

    def test_a_table_that_does_not_answer(self) -> None:
        class Gone:
            def query(self, **_: Any) -> Any:
                raise ConnectionError("no route")

        self._contains(KillSwitch.reading(Gone(), "table", PREFIX), "cannot be read: ConnectionError")

    @pytest.mark.parametrize("answer", [None, {}, {"Items": "x"}, {"Items": None}, []])
    def test_an_answer_that_is_none(self, answer: Any) -> None:
        class Odd:
            def query(self, **_: Any) -> Any:
                return answer

        self._contains(KillSwitch.reading(Odd(), "table", PREFIX), "cannot be read")

    def test_no_table_at_all(self) -> None:
        self._contains(KillSwitch.reading(None, "", PREFIX), "no table of the kill switch is named")

    @pytest.mark.parametrize(
        "change",
        [
            {"format": {"N": "0"}},
            {"format": {"N": "2"}},
            {"format": {"S": "1"}},
            {"format": {"N": "9" * 40}},
            {"level": {"S": "K9"}},
            {"level": {"N": "2"}},
            {"target": {"S": "somebody"}},
            {"target": {"S": "agent:*"}},
            {"target": {"S": "all:x"}},
            {"target": {"S": "class:*"}},
            {"reason": {"S": ""}},
            {"incident": {"S": "two words"}},
            {"at": {"N": "-1"}},
            {"at": None},
            {"more": {"S": "of a later release"}},
            {"switch": {"S": "another"}},
        ],
    )
    def test_an_item_that_is_not_understood_contains_everybody(self, change: dict[str, Any]) -> None:
        self._contains(read({**ITEM, **change}), "not understood")

    @pytest.mark.parametrize("name", sorted(ITEM))
    def test_an_item_that_lacks_a_field(self, name: str) -> None:
        self._contains(read({key: value for key, value in ITEM.items() if key != name}), "not understood")

    @pytest.mark.parametrize("item", [None, [], "x", 7, {}])
    def test_an_item_that_is_none(self, item: Any) -> None:
        self._contains(read(item), "not understood")

    def test_the_items_beside_it_still_say_what_they_say(self) -> None:
        found = read({}, ITEM)
        assert found.allows("release-bot").level == "K2"
        assert not found.allows("cost-bot").allowed

    def test_more_items_than_there_can_be(self) -> None:
        self._contains(read(*[ITEM] * (MAX_ITEMS + 1)), f"more than {MAX_ITEMS} items")

    def test_pages_without_end(self) -> None:
        class Endless:
            count = 0

            def query(self, **_: Any) -> Any:
                self.count += 1
                return {"Items": [], "LastEvaluatedKey": {"at": {"N": "1"}}}

        endless = Endless()
        self._contains(KillSwitch.reading(endless, "table", PREFIX), "cannot be read: SwitchError")
        assert endless.count == module._PAGES


def test_an_item_is_read_as_it_was_written() -> None:
    for target in (Target.agent("release-bot"), Target.of_class("release-*"), Target.everyone()):
        for level in module.LEVELS:
            found = switch(target, level)
            assert read_item(found.item(PREFIX), PREFIX) == found
    assert ITEM["format"] == {"N": str(FORMAT)}


@pytest.mark.parametrize(
    "change",
    [{"level": "k2"}, {"reason": " "}, {"reason": "x" * 1_001}, {"by": ""}, {"at": -1}, {"incident": ""}],
)
def test_what_is_no_switch(change: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "target": Target.everyone(),
        "level": "K4",
        "reason": "r",
        "by": BY,
        "at": 1,
        "incident": "INC-1",
    }
    Switch(**given)
    with pytest.raises(SwitchError, match="allowed"):
        Switch(**{**given, **change})


class TestTargets:
    @pytest.mark.parametrize(
        "text",
        [
            *("", "agent", "agent:", "agent:A", "agent:a", "agent:a--b", "agent:release-*", "agent:x" + "y" * 40),
            *("class:", "class:*", "class:-*", "class:release*", "class:rel-*-x", "class:release", "class:a*-*"),
            *("all:", "all:x", "everybody", "agent:a b", "agent:ab\n", "class:ab-*\n"),
        ],
    )
    def test_texts_that_are_none(self, text: str) -> None:
        with pytest.raises(TargetError, match="allowed"):
            Target.parse(text)

    @pytest.mark.parametrize("text", ["agent:release-bot", "agent:ab", "class:release-*", "class:a-*", "all"])
    def test_texts_that_are(self, text: str) -> None:
        assert Target.parse(text).key == text

    def test_patterns(self) -> None:
        found = [Target.parse(text).pattern for text in ("agent:release-bot", "class:release-*", "all")]
        assert found == ["release-bot", "release-*", "*"]

    def test_all_have_no_name(self) -> None:
        with pytest.raises(TargetError, match="all agents have no name"):
            Target(TargetKind.ALL, "x")
