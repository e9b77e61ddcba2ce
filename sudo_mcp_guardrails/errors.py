"""The root of every error that the project raises on purpose.

Each room derives its own types from :class:`GuardrailsError`, so that a caller can catch all of them with one
clause and the command line can tell "we refuse, and say why" from a bug.
"""

from __future__ import annotations


class GuardrailsError(Exception):
    """A refusal or a failure that the project foresaw.

    The message is one line that names the value that came, the place, and what is allowed; it starts lower
    case and has no trailing period, as the CDK's own messages do.
    """
