"""Somebody's browser: it opens the link, fills in the sign-in form, and goes where it is sent."""

from __future__ import annotations

import http.client
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.local.oidc import Person


@dataclass
class Browser:
    """Signs people in, one after the other; the last one stays.

    Attributes:
        people: who sits there, in the order of the sign-ins.
        asked: what the links asked for.
        lure: whether another page sends the browser to the redirect first, with a code of its own.
    """

    people: list[Person]
    asked: list[dict[str, str]] = field(default_factory=list)
    lure: bool = False
    lured: list[int] = field(default_factory=list)

    def open(self, link: str) -> None:
        person = self.people[0] if len(self.people) == 1 else self.people.pop(0)
        self.asked.append(dict(parse_qsl(urlsplit(link).query)))
        threading.Thread(target=self._sign_in, args=(link, person), daemon=True).start()

    def _sign_in(self, link: str, person: Person) -> None:
        if self.lure:
            redirect = self.asked[-1]["redirect_uri"]
            self.lured.append(fetch("GET", f"{redirect}?code=evil&state=guessed")[0])
        status, page, cookie, _ = fetch("GET", link)
        found = re.search(r'name="request" value="([^"]+)"', page)
        assert status == 200, page
        assert found, page
        form = {
            "request": found[1],
            "username": person.username,
            "password": person.password,
            "code": person.code(),
        }
        where = urlsplit(link)
        status, page, _, back = fetch("POST", f"{where.scheme}://{where.netloc}/authorize", form, {"Cookie": cookie})
        assert back, (status, page)
        fetch("GET", back)


def fetch(
    method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str, str, str]:
    """Return status, body, cookie and where it leads."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", where.port or 80, timeout=10)
    given = {"Host": where.netloc, **(headers or {})}
    if form:
        given["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        path = f"{where.path}?{where.query}" if where.query else where.path
        connection.request(method, path, urlencode(form) if form else None, given)
        answer = connection.getresponse()
        cookie = answer.getheader("Set-Cookie", "").split(";")[0]
        return answer.status, answer.read().decode(), cookie, answer.getheader("Location", "")
    finally:
        connection.close()
