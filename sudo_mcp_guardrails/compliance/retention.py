"""How long audit logs are kept: the number that each regulation asks for, where it is from and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST_DAYS: Final = 36_500
"""S3 Object Lock takes at most 100 years (S3 user guide, "Object Lock considerations")."""
_SEARCHABLE: Final = 90
"""Days that can be searched where no regulation names a number: those of PCI DSS."""


class RetentionError(GuardrailsError):
    """A retention cannot be made from what was given; the message says what is allowed."""


class Basis(Enum):
    """What a number rests on."""

    RULE = "rule"
    """The text names the number."""
    READING = "reading"
    """The text names a number for something else, which is commonly or safely read to cover audit logs."""
    CUSTOM = "custom"
    """The text names no number: one's own policy does, and this is what is usual."""
    LIMIT = "limit"
    """The text asks for as little as possible; the number is the least that an authority recommends for logs."""


@dataclass(frozen=True)
class RetentionRule:
    """What one regulation asks for.

    Args:
        framework: The regulation.
        days: How long logs are kept at least.
        searchable_days: How many of them must be available at once; 0 where the text names none.
        most_days: How long logs may be kept, where the regulation limits it.
        basis: What the numbers rest on.
        confidence: ``"high"``, ``"medium"`` or ``"low"``: how sure we are that the source says so.
        source: The text, and what of it is convention.
    """

    framework: Framework
    days: int
    searchable_days: int
    basis: Basis
    confidence: str
    source: str
    most_days: int | None = None


RULES: Final[tuple[RetentionRule, ...]] = (
    RetentionRule(
        Framework.HIPAA,
        days=2192,
        searchable_days=0,
        basis=Basis.READING,
        confidence="high",
        source="45 CFR 164.316(b)(2)(i) has documentation kept for 6 years; 164.312(b) asks for audit controls without "
        "a period, and HHS never said that raw audit logs are such documentation: 6 years are the safe reading",
    ),
    RetentionRule(
        Framework.PCI_DSS,
        days=365,
        searchable_days=90,
        basis=Basis.RULE,
        confidence="high",
        source="PCI DSS v4.0.1 requirement 10.5.1: at least 12 months, of which the last 3 immediately available",
    ),
    RetentionRule(
        Framework.SOC2,
        days=365,
        searchable_days=0,
        basis=Basis.CUSTOM,
        confidence="high",
        source="the Trust Services Criteria (CC7.2) name no period, auditors test one's own policy; the observation "
        "window is up to 12 months",
    ),
    RetentionRule(
        Framework.ISO_27001,
        days=365,
        searchable_days=0,
        basis=Basis.CUSTOM,
        confidence="high",
        source="ISO/IEC 27001:2022 A.8.15 leaves the period to the organisation; 1 to 3 years are usual, this is the "
        "least of them",
    ),
    RetentionRule(
        Framework.SOX,
        days=2557,
        searchable_days=0,
        basis=Basis.READING,
        confidence="high",
        source="17 CFR 210.2-06: 7 years for the accountant's audit records; applied to the evidence of internal "
        "controls by convention",
    ),
    RetentionRule(
        Framework.FEDRAMP,
        days=913,
        searchable_days=365,
        basis=Basis.READING,
        confidence="medium",
        source="FedRAMP rev. 5 AU-11: at least 90 days on-line, then off-line as NARA asks, and support for OMB "
        "M-21-31, which asked for 12 months active and 18 months cold; M-21-31 is reported as rescinded in 2026 in "
        "favour of M-26-14, whose numbers we have not seen",
    ),
    RetentionRule(
        Framework.NIST_800_53,
        days=365,
        searchable_days=0,
        basis=Basis.CUSTOM,
        confidence="medium",
        source="NIST SP 800-53 rev. 5 AU-11 leaves the period to the organisation; a year is usual",
    ),
    RetentionRule(
        Framework.GDPR,
        days=183,
        searchable_days=0,
        basis=Basis.LIMIT,
        confidence="high",
        source="GDPR Art. 5(1)(e): no longer than necessary; the CNIL recommends 6 to 12 months for logs, and up to 3 "
        "years for internal control where that is justified",
        most_days=365,
    ),
)
"""One rule for each framework. Sources read in November 2026; no legal advice."""


@dataclass(frozen=True)
class Retention:
    """How long audit logs are kept.

    Args:
        days: How long they are kept, and cannot be deleted, where storage is immutable.
        searchable_days: How many of them are kept where they can be searched at once; not more than ``days``.
        rules: What the numbers rest on; none for an own policy.
        reason: The own policy, where there is one.

    Raises:
        RetentionError: For numbers that are none, below 1 or over 100 years, and a longer time to search than to keep.

    Example:
        ``Retention.for_(Framework.HIPAA, Framework.PCI_DSS)`` keeps 2,192 days, and 90 of them searchable.
    """

    days: int
    searchable_days: int = _SEARCHABLE
    rules: tuple[RetentionRule, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        """Validate; raises RetentionError."""
        _check("days", self.days)
        _check("searchable days", self.searchable_days)
        if self.searchable_days > self.days:
            raise RetentionError(
                f"searchable days {self.searchable_days} of a retention are not allowed, expected at most its days "
                f"{self.days}"
            )

    @classmethod
    def for_(cls, *frameworks: Framework | str) -> Self:
        """Return the longest of what regulations ask for; so it is with the days that can be searched.

        Args:
            frameworks: The regulations that apply, or their values such as ``"pci-dss"``; at least one.

        Raises:
            RetentionError: For none, and one that is not known.
        """
        chosen = tuple(dict.fromkeys(_known(framework) for framework in frameworks))
        if not chosen:
            raise RetentionError(f"retention for no framework is not allowed, expected some of {_names()}")
        rules = tuple(rule for rule in RULES if rule.framework in chosen)
        days = max(rule.days for rule in rules)
        searchable = max(rule.searchable_days for rule in rules) or _SEARCHABLE
        return cls(days, min(searchable, days), rules)

    @classmethod
    def custom(cls, days: int, *, reason: str, searchable_days: int = _SEARCHABLE) -> Self:
        """Return an own policy's retention.

        Args:
            days: How long logs are kept.
            reason: The policy, such as its name and number.
            searchable_days: Default: 90, or all where there are fewer.

        Raises:
            RetentionError: As for the class, and without a reason.
        """
        if not reason.strip():
            raise RetentionError(f"retention of {days!r} days has no reason, expected the policy that asks for it")
        _check("days", days)
        _check("searchable days", searchable_days)
        return cls(days, min(searchable_days, days), reason=reason)

    def at_least(self, days: int, *, reason: str) -> Self:
        """Return the retention, or one of so many days where it is shorter; the regulations stay on record.

        Raises:
            RetentionError: As for :meth:`custom`.
        """
        if not reason.strip():
            raise RetentionError(f"retention of at least {days!r} days has no reason, expected what asks for it")
        _check("days", days)
        return self if days <= self.days else replace(self, days=days, reason=reason)

    @property
    def decided_by(self) -> tuple[RetentionRule, ...]:
        """The rules that ask for the whole of :attr:`days`; none where an own policy asks for more."""
        return tuple(rule for rule in self.rules if rule.days == self.days)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """What keeping logs so long conflicts with, one line each: the longest retention wins, and does so loudly.

        With Object Lock in COMPLIANCE mode nobody can delete a person's data before the end, on request or by order.
        """
        return tuple(
            f"{rule.framework.value} limits logs to about {rule.most_days} days and they are kept for {self.days}"
            f"{self._because}: keep personal data in them minimal, write down the legal basis, and do not rely on "
            f"erasing locked copies; {rule.source}"
            for rule in self.rules
            if rule.most_days is not None and rule.most_days < self.days
        )

    @property
    def _because(self) -> str:
        names = [rule.framework.value for rule in self.decided_by]
        asked = ", ".join(names) or self.reason
        return f" for {asked}" if asked else ""


def rule_of(framework: Framework | str) -> RetentionRule:
    """Return what one regulation asks for.

    Raises:
        RetentionError: For one that is not known.
    """
    wanted = _known(framework)
    return next(rule for rule in RULES if rule.framework is wanted)


def _check(name: str, days: object) -> None:
    # True is 1 to Python, and a retention of one day to nobody.
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= _MOST_DAYS:
        raise RetentionError(f"{name} {days!r} of a retention are not allowed, expected 1 to {_MOST_DAYS}")


def _known(framework: object) -> Framework:
    try:
        return Framework(framework)
    except ValueError:
        raise RetentionError(f"framework {framework!r} is not known, allowed are {_names()}") from None


def _names() -> str:
    return ", ".join(framework.value for framework in Framework)
