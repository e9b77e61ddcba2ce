"""Which values are secrets, by the name that they stand under and by what they look like.

A name decides only over what cannot be a permission: ARNs, dynamic references, ``*`` and network ranges are shown
under any name, so that nobody hides from a person what a plan opens by calling it a password.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = tuple[str, ...]

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET: Final = frozenset(
    {
        *("password", "passwords", "passwd", "pwd", "passphrase", "secret", "token", "tokens"),
        *("credential", "credentials"),
    }
)
_PAIRS: Final = frozenset(
    (kind, "key") for kind in ("private", "api", "access", "auth", "signing", "shared", "master", "secret", "host")
) | {("connection", "string"), ("key", "material"), ("pre", "shared"), ("webhook", "url")}
_WHOLE: Final = frozenset({"apikey", "authtoken", "privatekey", "secretkey", "accesstoken", "connectionstring"})
_HARMLESS_ENDS: Final = frozenset(
    {
        *("age", "algorithm", "arn", "arns", "characters", "count", "days", "enabled", "endpoint", "expiration"),
        *("format", "hours", "id", "ids", "length", "lifetime", "lowercase", "minutes", "mode", "name", "names"),
        *("numbers", "period", "policy", "prevention", "required", "rotation", "seconds", "source", "spec", "stage"),
        *("status", "strategy", "symbols", "ttl", "type", "types", "units", "uppercase", "usage", "validity"),
        "version",
    }
)
_HARMLESS_TOKENS: Final = frozenset({"client", "continuation", "idempotency", "next", "request", "service", "task"})
"""Tokens of paging and of idempotency; a custom resource's service token is the ARN of its function."""
_NAME_KEYS: Final = ("Name", "name", "Key", "key", "ParameterKey", "parameterKey", "ParameterName", "OptionName")
_VALUE_KEYS: Final = ("Value", "value", "ParameterValue", "parameterValue", "constant_value")
_REFERENCES: Final = frozenset({"Ref", "Fn::GetAtt", "Fn::ImportValue", "Fn::GetStackOutput", "references"})
_SHOWN: Final = re.compile(r"arn:.*|\{\{(?:resolve|changeSet):[^{}]*\}\}|\*+|[0-9a-fA-F.:]+/\d{1,3}|", re.DOTALL)
_LOOKS_SECRET: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,255}|\bgithub_pat_\w{22,255}|\bglpat-[\w-]{20,64}|\bxox[abeprs]-[\w-]{10,250}"
    r"|\bsk_live_\w{16,128}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|\bhooks\.slack\.com/[\w/]+"
    r"|(?<=://)[^\s/:@\"'{}]{1,256}:[^\s/:@\"'{}]{1,256}(?=@)"
    r"|(?<=X-Amz-Signature=)[0-9a-f]{64}|(?<=X-Amz-Security-Token=)[\w%/+=.-]+"
)
MASK: Final = "****"


def is_secret_name(name: str) -> bool:
    """Return whether a property, variable or parameter of this name holds a secret, such as ``DB_PASSWORD``."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _HARMLESS_ENDS:
        return False
    if words[-1] in {"token", "tokens"} and len(words) > 1 and words[-2] in _HARMLESS_TOKENS:
        return False
    return bool(
        _SECRET.intersection(words) or _WHOLE.intersection(words) or _PAIRS.intersection(zip(words, words[1:]))  # noqa: B905, RUF007 - pairwise is no set
    )


def secret_paths(value: object) -> tuple[Path, ...]:
    """Return the paths of all values that stand under a secret's name, in order.

    Args:
        value: JSON. A name and a value side by side count as well, such as those of a container's environment.
    """
    return tuple(sorted(set(_found(value, (), secret=False))))


def without_secrets(text: str) -> str:
    """Return a text with what looks like a private key, a token or a URL's password masked, and nothing else."""
    return _LOOKS_SECRET.sub(MASK, text)


def _found(value: object, path: Path, *, secret: bool) -> Iterator[Path]:
    if isinstance(value, dict):
        named = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
        beside = named is not None and is_secret_name(named)
        for name, item in value.items():
            if name in _REFERENCES or (secret and name in _NAME_KEYS):
                continue
            here = secret or is_secret_name(str(name)) or (beside and name in _VALUE_KEYS)
            yield from _found(item, (*path, str(name)), secret=here)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _found(item, (*path, str(number)), secret=secret)
    elif secret and _is_secret(value):
        yield path


def _is_secret(value: Any) -> bool:  # noqa: ANN401 - a leaf of JSON
    if value is None or isinstance(value, bool):
        return False
    return not (isinstance(value, str) and _SHOWN.fullmatch(value))
