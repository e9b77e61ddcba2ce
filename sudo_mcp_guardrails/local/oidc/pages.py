"""The provider's two pages: the sign-in, and what is shown when a request leads nowhere."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem}"
    "label{display:block;margin:.75rem 0}"
    "input{display:block;width:100%;font:inherit;padding:.4rem;box-sizing:border-box}"
    "button{font:inherit;padding:.5rem 1rem}.problem{color:#a00}"
)


def policy(redirect_uri: str = "") -> str:
    """The Content-Security-Policy of a page; a form may lead on to the client it signs in to, and nowhere else."""
    parts = urlsplit(redirect_uri)
    onward = f" {parts.scheme}://{parts.netloc}" if redirect_uri else ""
    # Chromium applies form-action to the redirect that answers a form as well.
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{onward}; frame-ancestors 'none'; "
        "base-uri 'none'"
    )


def sign_in_page(name: str, client: str, *, username: str = "", problem: str = "") -> str:
    """The sign-in form.

    Args:
        name: of the pending request.
        client: what is signed in to.
        username: filled in already.
        problem: what was wrong with the last try.
    """
    told = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return _page(
        "Sign in",
        f"""<h1>Sign in to {escape(client)}</h1>
<p>A provider on this machine, with made-up people.</p>
{told}<form method="post" action="/authorize">
<input type="hidden" name="request" value="{escape(name)}">
<label>User name<input name="username" autocomplete="username" value="{escape(username)}" required autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<label>One-time code<input name="code" inputmode="numeric" autocomplete="one-time-code" required></label>
<button type="submit">Sign in</button>
</form>""",
    )


def problem_page(text: str) -> str:
    """Why a request leads nowhere."""
    return _page("Not possible", f'<h1>Not possible</h1>\n<p class="problem" role="alert">{escape(text)}</p>')


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style></head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )
