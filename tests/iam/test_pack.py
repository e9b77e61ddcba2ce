"""Packing: fewer and smaller, the same meaning, and the way back from what was merged."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Principal, Request, Statement, evaluate, parse_document
from sudo_mcp_guardrails.iam.catalogue import service_actions
from sudo_mcp_guardrails.iam.cover import action_key, covers, covers_statement, without_covered
from sudo_mcp_guardrails.iam.documents import ENVELOPE
from sudo_mcp_guardrails.iam.equivalence import same_meaning
from sudo_mcp_guardrails.iam.matching import action_matches, glob
from sudo_mcp_guardrails.iam.pack import PackError, pack
from sudo_mcp_guardrails.iam.verdict import Verdict

WORKER = Principal("arn:aws:iam::111111111111:role/team/worker", session="s")

ACTIONS = ("*", "s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "S3:getobject", "sqs:*", "sqs:Se?d", "sqs:Send")
RESOURCES = ("*", "a*", "ab", "abc", "a?", "b", "a${aws:PrincipalTag/t}", "${aws:PrincipalTag/t}")
CONDITIONS = (
    ("StringEquals", "aws:PrincipalTag/t", ("b", "c")),
    ("StringEquals", "aws:PrincipalTag/t", ("c", "b")),
    ("StringNotLike", "aws:PrincipalTag/u", ("${aws:PrincipalTag/t}",)),
    ("Null", "aws:PrincipalTag/u", ("true",)),
)
REQUESTS = tuple(
    Request(action, resource, Principal(WORKER.arn, session="s", tags=tags))
    for action, resource, tags in product(
        ("s3:GetObject", "s3:PutObject", "s3:List", "sqs:Send", "sqs:Seed", "ec2:Run"),
        ("*", "a", "ab", "abc", "b", "a${", "c"),
        ({}, {"t": "b"}, {"t": "c", "u": "c"}, {"t": "*", "u": "x"}),
    )
)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    actions = tuple(draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3)))
    resources = tuple(draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3)))
    but_actions, but_resources = (draw(st.integers(0, 4)) == 0 for _ in range(2))
    return Statement(
        draw(st.sampled_from(("A", "B", "C", "#0"))),
        draw(st.sampled_from(("Allow", "Allow", "Deny"))),
        actions=() if but_actions else actions,
        not_actions=actions if but_actions else (),
        resources=() if but_resources else resources,
        not_resources=resources if but_resources else (),
        conditions=tuple(draw(st.lists(st.sampled_from(CONDITIONS), max_size=1))),
    )


documents = st.lists(
    st.lists(statements(), min_size=1, max_size=4).map(lambda found: PolicyDocument("p", tuple(found))),
    min_size=1,
    max_size=3,
)


def decisions(policies: list[PolicyDocument] | tuple[PolicyDocument, ...]) -> list[tuple[bool, bool]]:
    layers = Layers(identity=tuple(policies))
    found = (evaluate(request, layers) for request in REQUESTS)
    return [(decision.allowed, decision.explicit) for decision in found]


def statement(sid: str, *actions: str, on: tuple[str, ...] = ("*",), effect: str = "Deny", **more: Any) -> Statement:
    return Statement(sid, effect, actions=actions, resources=on, **more)


def document(*found: Statement, name: str = "d") -> PolicyDocument:
    return PolicyDocument(name, found)


class TestMeaning:
    @settings(max_examples=150, deadline=None)
    @given(documents)
    def test_every_request_is_decided_alike(self, given_: list[PolicyDocument]) -> None:
        packed = pack(given_, limit=2000, check=False)
        assert decisions(packed.documents) == decisions(given_)

    @settings(max_examples=100, deadline=None)
    @given(documents)
    def test_the_proof_finds_what_pack_made_the_same(self, given_: list[PolicyDocument]) -> None:
        packed = pack(given_, limit=2000, check=False)
        assert same_meaning(given_, packed.documents).verdict is Verdict.PROVED

    @settings(max_examples=150, deadline=None)
    @given(documents, documents)
    def test_what_is_proved_the_same_is_decided_alike(
        self, first: list[PolicyDocument], second: list[PolicyDocument]
    ) -> None:
        for other in (second, first[:-1] + second[:1]):
            if same_meaning(first, other).verdict is Verdict.PROVED:
                assert decisions(first) == decisions(other)

    @settings(max_examples=150, deadline=None)
    @given(documents, st.data())
    def test_a_statement_less_is_seen_where_a_decision_changes(
        self, given_: list[PolicyDocument], data: st.DataObject
    ) -> None:
        place = data.draw(st.integers(0, len(given_[0].statements) - 1))
        left = tuple(s for i, s in enumerate(given_[0].statements) if i != place)
        mutant = [PolicyDocument("p", left), *given_[1:]]
        if decisions(mutant) != decisions(given_):
            assert same_meaning(given_, mutant).verdict is Verdict.NOT_PROVED

    @pytest.mark.parametrize(
        ("before", "after", "same"),
        [
            (statement("S", "s3:*"), statement("S", "s3:*"), True),
            (statement("S", "*"), statement("S", "*:*"), True),
            (statement("S", "s3:Get*", "s3:GetObject"), statement("S", "S3:get*"), True),
            (statement("S", "s3:Get*"), statement("S", "s3:GetObject"), False),
            (statement("S", "s3:*"), statement("S", "s3:*", effect="Allow"), False),
            (statement("S", "s3:*", on=("arn:aws:sqs",)), statement("S", "s3:*", on=("arn:aws:sqs:*:*:*",)), True),
            (statement("S", "s3:*", on=("a", "a*")), statement("S", "s3:*", on=("a*",)), True),
            (statement("S", "s3:*", on=("a",)), statement("S", "s3:*", on=("a*",)), False),
            (statement("S", "s3:*", on=("${aws:a}",)), statement("S", "s3:*", on=("${aws:b}",)), False),
            (statement("S", "a:B", conditions=CONDITIONS[:1]), statement("S", "a:B", conditions=CONDITIONS[1:2]), True),
            (statement("S", "a:B", conditions=CONDITIONS[:1]), statement("S", "a:B"), False),
            (
                statement("S", "a:B", principals=(("AWS", "1"),)),
                statement("S", "a:B", principals=(("AWS", "2"),)),
                False,
            ),
            (Statement("S", "Deny", actions=("a:B",), not_resources=("x",)), statement("S", "a:B"), False),
            (Statement("S", "Deny", not_actions=("a:*", "a:B")), Statement("S", "Deny", not_actions=("A:*",)), True),
            (Statement("S", "Deny", not_actions=("a:*",)), Statement("S", "Deny", not_actions=("a:B",)), False),
        ],
    )
    def test_cases(self, before: Statement, after: Statement, *, same: bool) -> None:
        proof = same_meaning([document(before)], [document(after)])
        assert proof.verdict is (Verdict.PROVED if same else Verdict.NOT_PROVED)
        assert same or proof.reason.startswith("only one has this ")

    def test_says_where_they_differ(self) -> None:
        proof = same_meaning([document(statement("S", "s3:Get*", on=("ab",)))], [document(statement("S", "s3:Get*"))])
        assert proof.reason == "only one has this Deny: s3:get on any other resource"

    def test_a_character_may_not_stand_for_a_pseudo_parameter(self) -> None:
        # "aws" and "aws-us-gov" are of different lengths, and neither is that of the parameter's name.
        pseudo, characters = "x${AWS::Partition}", "x" + "?" * len("${AWS::Partition}")
        before = document(statement("S", "s3:*", on=(pseudo, characters)))
        proof = same_meaning([before], [document(statement("S", "s3:*", on=(characters,)))])
        assert (proof.verdict, proof.reason.split(",")[0]) == (
            Verdict.NOT_PROVED,
            "a pseudo parameter is of unknown length",
        )
        assert not covers(characters, pseudo)

    def test_over_a_cap_is_not_proved(self) -> None:
        patterns = ("s3:" + "*".join("ab"[bit] for bit in map(int, f"{n:016b}")) for n in range(0, 65536, 997))
        one = document(statement("S", *patterns))
        proof = same_meaning([one], [one])
        assert proof.verdict is Verdict.NOT_PROVED
        assert "more than" in proof.reason
        with pytest.raises(PackError, match="packed: not shown to mean the same: telling"):
            pack([one], limit=100_000)


class TestCover:
    @settings(max_examples=500, deadline=None)
    @given(st.text("ab*?", max_size=6), st.text("ab*?", max_size=6), st.text("abc", max_size=7))
    def test_what_is_covered_matches_nothing_else(self, wide: str, narrow: str, value: str) -> None:
        if covers(wide, narrow) and glob(narrow)(value):
            assert glob(wide)(value)

    @pytest.mark.parametrize(
        ("wide", "narrow", "expected"),
        [
            ("s3:Get*", "s3:GetObject", True),
            ("s3:Get*", "s3:Get*Acl", True),
            ("s3:Get?", "s3:Get*", False),
            ("a?", "a?", True),
            ("a?c", "abc", True),
            ("*", "${aws:username}", False),
            ("a${*}", "ab", False),
            ("arn:${AWS::Partition}:s3:::a*", "arn:${AWS::Partition}:s3:::ab", True),
            ("arn:*:s3:::a*", "arn:${AWS::Partition}:s3:::ab", True),
            ("arn:???:s3:::a*", "arn:aws:s3:::ab", True),
            ("arn:?????????????????:s3:::a", "arn:${AWS::Partition}:s3:::a", False),
            ("*" + "a*" * 5000, "a" * 5000, False),
        ],
    )
    def test_covers(self, wide: str, narrow: str, *, expected: bool) -> None:
        assert covers(wide, narrow) == expected

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.text("ab*?", min_size=1, max_size=4), min_size=1, max_size=6), st.text("ab", max_size=5))
    def test_a_shorter_list_matches_the_same(self, patterns: list[str], value: str) -> None:
        left = without_covered(tuple(patterns), str)
        assert any(glob(p)(value) for p in left) == any(glob(p)(value) for p in patterns)
        assert list(left) == [p for p in dict.fromkeys(patterns) if p in left], "the order stays"

    def test_order_and_case(self) -> None:
        actions = ("sqs:Send", "s3:GetObject", "S3:Get*", "s3:get*", "sqs:Send")
        assert without_covered(actions, action_key) == ("sqs:Send", "S3:Get*")

    @settings(max_examples=150, deadline=None)
    @given(statements(), statements())
    def test_a_covered_statement_applies_nowhere_else(self, wide: Statement, narrow: Statement) -> None:
        if covers_statement(wide, narrow):
            both = [document(wide, narrow)]
            assert decisions(both) == decisions([document(wide)])


class TestMerge:
    def packed(self, *found: Statement, limit: int = 6144) -> tuple[Statement, ...]:
        (only,) = pack([document(*found)], limit=limit).documents
        return only.statements

    def test_actions_are_united(self) -> None:
        merged = self.packed(statement("A", "s3:Put*"), statement("X", "*", effect="Allow"), statement("B", "sqs:*"))
        assert merged == (statement("A", "s3:Put*", "sqs:*"), statement("X", "*", effect="Allow"))

    def test_resources_are_united(self) -> None:
        merged = self.packed(statement("A", "s3:*", on=("a",)), statement("B", "S3:*", on=("b",)))
        assert merged == (statement("A", "s3:*", on=("a", "b")),)

    def test_what_differs_in_both_stays(self) -> None:
        found = (statement("A", "s3:*", on=("a",)), statement("B", "sqs:*", on=("b",)))
        assert self.packed(*found) == found

    def test_complements_are_not_united(self) -> None:
        found = (
            Statement("A", "Deny", not_actions=("a:B",), resources=("*",)),
            Statement("B", "Deny", not_actions=("c:D",), resources=("*",)),
            Statement("C", "Deny", actions=("a:B",), not_resources=("x",)),
            Statement("D", "Deny", actions=("a:B",), not_resources=("y",)),
        )
        assert self.packed(*found) == found

    @pytest.mark.parametrize(
        "other",
        [
            {"conditions": CONDITIONS[:1]},
            {"principals": (("AWS", "1"),)},
            {"effect": "Allow"},
        ],
    )
    def test_only_alike_statements_are_united(self, other: dict[str, Any]) -> None:
        found = (statement("A", "s3:*", on=("a",)), statement("B", "sqs:*", on=("a",), **other))
        assert self.packed(*found) == found

    def test_what_another_covers_goes(self) -> None:
        narrow = statement("A", "s3:GetObject", on=("ab",), conditions=CONDITIONS[:1])
        wide = statement("B", "s3:Get*", "sqs:*", on=("a*",))
        packed = pack([document(narrow, wide)], limit=6144)
        assert packed.documents[0].statements == (wide,)
        assert packed.merged == {"B": ("d:B", "d:A")}

    def test_not_beyond_the_limit(self) -> None:
        found = [statement(f"S{i}", f"s3:Get{'x' * 50}{i}") for i in range(4)]
        size = found[0].size()
        packed = pack([document(*found)], limit=ENVELOPE + 2 * size)
        assert len(packed.documents) == 2
        assert all(policy.check_size(ENVELOPE + 2 * size) for policy in packed.documents)

    def test_reasons_stay(self) -> None:
        first, second = statement("A", "a:B", reason="one"), statement("B", "c:D", reason="two")
        assert self.packed(first, second)[0].reason == "one; two"

    def test_without_merging(self) -> None:
        twice = document(statement("A", "s3:*", "s3:*"), statement("B", "s3:*"))
        (only,) = pack([twice], limit=6144, merge=False).documents
        assert only.statements == twice.statements

    def test_every_sid_leads_back(self) -> None:
        nameless = parse_document({"Statement": {"Effect": "Deny", "Action": "c:D", "Resource": "x"}}, name="n")
        given_ = [
            document(statement("A", "a:B", on=("a",)), statement("B", "a:B", on=("b",)), name="one"),
            document(statement("A", "c:D", on=("y",)), statement("A", "e:F", on=("z",)), name="two"),
            nameless,
        ]
        packed = pack(given_, limit=6144, merge=False)
        assert packed.merged == {
            "A": ("one:A",),
            "B": ("one:B",),
            "A2": ("two:A",),
            "A3": ("two:A",),
            "#4": ("n:#0",),
        }
        packed = pack(given_, limit=6144)
        assert packed.merged == {"A": ("one:A", "one:B"), "A2": ("two:A", "n:#0"), "A3": ("two:A",)}
        sids = [s.sid for policy in packed.documents for s in policy.statements]
        assert sids == list(packed.merged)


class TestShorten:
    def test_covers_no_other_action_of_the_catalogue(self) -> None:
        lists = tuple(name for name in service_actions("lambda") if ":List" in name)
        given_ = [document(statement("A", *lists, "nope:Thing", "lambda:Get*"))]
        packed = pack(given_, limit=6144, shorten=True)
        assert packed.documents[0].statements[0].actions == ("nope:Thing", "lambda:Get*", "lambda:List*")
        assert same_meaning(given_, packed.documents).verdict is Verdict.NOT_PROVED, "it covers what AWS adds later"
        known = service_actions("lambda")
        for name in known:
            patterns = packed.documents[0].statements[0].actions
            assert any(action_matches(p, name) for p in patterns) == (":List" in name or ":Get" in name)


class TestBins:
    def documents(self, *lengths: int) -> list[PolicyDocument]:
        return [
            document(*(statement(f"S{i}", f"a:{'x' * n}{chr(97 + i)}", on=(f"r{i}",)) for i, n in enumerate(lengths)))
        ]

    def test_first_fit_decreasing_in_the_order_given(self) -> None:
        base = self.documents(0)[0].statements[0].size()
        packed = pack(self.documents(10, 60, 30, 20), limit=ENVELOPE + 2 * base + 81, name="scp")
        assert [p.name for p in packed.documents] == ["scp-1", "scp-2"]
        assert [[s.sid for s in p.statements] for p in packed.documents] == [["S1", "S3"], ["S0", "S2"]]
        assert packed.fewest

    def test_exactly_full(self) -> None:
        (given_,) = self.documents(10, 20)
        size = given_.check_size()
        assert len(pack([given_], limit=size).documents) == 1
        assert len(pack([given_], limit=size - 1).documents) == 2

    def test_says_where_fewer_might_do(self) -> None:
        # Each is more than half of a document, so that no two fit, though their sum is less than two documents.
        size = self.documents(80)[0].statements[0].size()
        packed = pack(self.documents(80, 80, 80), limit=ENVELOPE + int(1.6 * size))
        assert (len(packed.documents), packed.fewest) == (3, False)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.integers(0, 200), min_size=1, max_size=12))
    def test_nothing_is_lost_and_everything_fits(self, lengths: list[int]) -> None:
        given_ = self.documents(*lengths)
        packed = pack(given_, limit=350)
        found = [s for policy in packed.documents for s in policy.statements]
        assert sorted(s.sid for s in found) == sorted(s.sid for s in given_[0].statements)
        for policy in packed.documents:
            assert policy.check_size(350) == len(policy.to_json())
        assert pack(given_, limit=350) == packed

    def test_a_statement_alone_over_the_limit(self) -> None:
        size = self.documents(500)[0].statements[0].size()
        with pytest.raises(PackError) as error:
            pack(self.documents(1, 500), limit=300)
        assert str(error.value) == (
            f"statement 'd:S1' has {size} characters, {size - 300 + ENVELOPE} over the {300 - ENVELOPE} "
            "that a document of 300 has room for"
        )

    def test_more_than_the_slots(self) -> None:
        with pytest.raises(PackError) as error:
            pack(self.documents(100, 150, 120, 140), limit=300, slots=3)
        message = str(error.value)
        assert message.startswith(
            "4 documents of 300 characters are needed, expected at most 3; the largest statements"
        )
        assert [part.split()[0] for part in message.rsplit(" are ", maxsplit=1)[-1].split(", ")] == ["S1", "S3", "S2"]
        assert len(pack(self.documents(100, 150, 120, 140), limit=300, slots=4).documents) == 4

    @pytest.mark.parametrize("given_", [[], [PolicyDocument("empty", ())]])
    def test_nothing_to_pack(self, given_: list[PolicyDocument]) -> None:
        with pytest.raises(PackError, match="there is no statement to pack, expected at least one"):
            pack(given_, limit=6144)
