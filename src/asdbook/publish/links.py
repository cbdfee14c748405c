"""Do the external links of the built site still lead somewhere? `make links`, weekly in CI, never a gate.

Links within the site are checked at every build (`check_site`). This asks other people's servers, so it is slow
and can fail through no fault of ours: only what is surely gone counts as dead (404, 410, a host that does not
exist, a broken certificate). What refuses programs or does not answer is listed as undecided. A fragment (#...) is
not looked for: many pages make theirs with scripts.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urldefrag, urlsplit

from asdbook.errors import AsdBookError, BadInput, RunFailed

RULES = Path(__file__).with_name("links.toml")
TIMEOUT_SECONDS = 20.0
PAUSE_SECONDS = 1.0  # between two questions to one host: we are a guest there
TRIES = 3  # a server may be busy once
HOSTS_AT_ONCE = 8
GONE = (404, 410)
REFUSES_HEAD = (400, 403, 404, 405, 406, 501)
"""Answers to HEAD after which GET is tried: many servers never learned HEAD, some say 404 to it."""

State = Literal["fine", "dead", "undecided"]


@dataclass(frozen=True)
class Rule:
    """An entry of links.toml."""

    host: str
    path: str
    reason: str

    def fits(self, address: str) -> bool:
        """Whether the rule is about this address."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        return (host == self.host or host.endswith(f".{self.host}")) and parts.path.startswith(self.path)


@dataclass(frozen=True)
class Rules:
    """What links.toml says."""

    ignore: tuple[Rule, ...] = ()
    redirect: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What became of one address; `what` says why in a few words."""

    address: str
    state: State
    what: str


class _Anchors(HTMLParser):
    """Collects where a page's anchors lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attrs if tag == "a" and key == "href" and value]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer."""

    def redirect_request(self, *_: Any) -> None:
        """None: the redirect is raised as an HTTPError with its code."""


def read_rules(path: Path = RULES) -> Rules:
    """The rules of a toml file.

    Raises:
        BadInput: an entry without host or reason, or an unknown key.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    kinds: dict[str, tuple[Rule, ...]] = {}
    for kind, rows in entries.items():
        for row in rows:
            if kind not in ("ignore", "redirect") or set(row) - {"host", "path", "reason"}:
                raise BadInput(f"{path.name}: [[{kind}]] {row}: write [[ignore]] or [[redirect]]; host, path, reason")
            if not row.get("host") or not row.get("reason", "").strip():
                raise BadInput(f"{path.name}: [[{kind}]] {row}: a rule needs a host and a reason")
        kinds[kind] = tuple(Rule(row["host"], row.get("path", ""), row["reason"]) for row in rows)
    return Rules(**kinds)


def external_links(site: Path) -> dict[str, list[str]]:
    """Address (without fragment) to the pages of a built site that link to it."""
    found: dict[str, list[str]] = {}
    for page in sorted(site.rglob("*.html")):
        name = page.relative_to(site)
        if name.parts[0] == "_static":
            continue
        anchors = _Anchors()
        anchors.feed(page.read_text(encoding="utf-8"))
        for address in anchors.found:
            plain = urldefrag(address.strip()).url
            if urlsplit(plain).scheme in ("http", "https") and name.as_posix() not in found.setdefault(plain, []):
                found[plain].append(name.as_posix())
    return found


def ask(address: str, rules: Rules, *, timeout: float = TIMEOUT_SECONDS, pause: float = PAUSE_SECONDS) -> Answer:
    """Asks for one address, a few times if the server is busy."""
    answer = Answer(address, "undecided", "never asked")
    stop_at_redirect = any(rule.fits(address) for rule in rules.redirect)
    for attempt in range(TRIES):
        if attempt:
            time.sleep(pause * 2**attempt)
        answer = _try(address, stop_at_redirect, timeout)
        if answer.state != "undecided" or "refuses" in answer.what:
            break
    return answer


def check_links(
    addresses: Iterable[str],
    rules: Rules,
    *,
    timeout: float = TIMEOUT_SECONDS,
    pause: float = PAUSE_SECONDS,
    say: Callable[[str], None] = lambda line: None,
) -> list[Answer]:
    """Asks for all addresses that no rule ignores, in order of address; one question a host at a time."""
    hosts: dict[str, list[str]] = {}
    for address in sorted(set(addresses)):
        if not any(rule.fits(address) for rule in rules.ignore):
            hosts.setdefault(urlsplit(address).netloc, []).append(address)

    def ask_host(mine: list[str]) -> list[Answer]:
        answers = []
        for number, address in enumerate(mine):
            if number:
                time.sleep(pause)
            answers.append(ask(address, rules, timeout=timeout, pause=pause))
            say(f"{answers[-1].state:9} {address}")
        return answers

    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        answers = [answer for part in pool.map(ask_host, hosts.values()) for answer in part]
    return sorted(answers, key=lambda answer: answer.address)


def report(answers: list[Answer], pages: Mapping[str, list[str]], rules: Rules) -> list[str]:
    """Lines for a reader: counts, what is not fine and where it stands, rules that nothing needed."""
    lines = [f"{len(answers)} external links asked, {len(pages) - len(answers)} ignored by rule"]
    for answer in answers:
        if answer.state != "fine":
            where = ", ".join(pages[answer.address])
            lines.append(f"{answer.state:10} {answer.address} ({answer.what}) on {where}")
    for rule in (*rules.ignore, *rules.redirect):
        if not any(rule.fits(address) for address in pages):
            lines.append(f"unused     {rule.host}{rule.path}: no page links there; drop the rule when it stays so")
    return lines


def _try(address: str, stop_at_redirect: bool, timeout: float) -> Answer:
    """One question: HEAD, and GET where HEAD is not understood."""
    try:
        code = _code(address, "HEAD", stop_at_redirect, timeout)
        if code in REFUSES_HEAD:
            code = _code(address, "GET", stop_at_redirect, timeout)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _failed(address, error)
    if code in GONE:
        return Answer(address, "dead", f"status {code}")
    if code in (401, 403):
        return Answer(address, "undecided", f"status {code}: the server refuses programs, or all of us")
    return Answer(address, "fine" if code < 400 else "undecided", f"status {code}")


def _code(address: str, method: str, stop_at_redirect: bool, timeout: float) -> int:
    """The status of the last answer, after redirects unless the first one is enough."""
    handlers = [_NoRedirect()] if stop_at_redirect else []
    # Addresses on pages may hold letters that HTTP does not carry; what is quoted already stays.
    request = urllib.request.Request(quote(address, safe="%/:?#[]@!$&'()*+,;=~"), method=method)
    request.add_header("User-Agent", "asdbook-link-check (weekly; one question a second)")
    request.add_header("Accept", "*/*")
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _failed(address: str, error: Exception) -> Answer:
    """No answer at all: gone for good, or busy?"""
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror):
        # EAI_AGAIN: the name server did not answer, which says nothing about the name.
        state: State = "undecided" if reason.errno == socket.EAI_AGAIN else "dead"
        return Answer(address, state, "no such host")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Answer(address, "dead", f"certificate: {reason.verify_message}")
    if isinstance(error, ValueError):
        return Answer(address, "dead", "not an address")
    return Answer(address, "undecided", f"no answer: {type(reason).__name__}")


def main() -> int:
    """Checks the last good site; exit code 3 when a link is dead."""
    from asdbook.publish.pages import find_book

    try:
        site = find_book().html
        if not (site / "index.html").is_file():
            raise BadInput("no book built yet: run `make book` first")
        rules, pages = read_rules(), external_links(site)
        answers = check_links(pages, rules, pause=PAUSE_SECONDS)
        print("\n".join(report(answers, pages, rules)))
        if dead := sum(answer.state == "dead" for answer in answers):
            raise RunFailed(f"{dead} external link(s) lead nowhere: mend them, or add a rule with its reason")
    except AsdBookError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
