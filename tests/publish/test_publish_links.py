"""The check of external links, against a server of this machine with every kind of answer."""

import socket
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from asdbook.errors import BadInput
from asdbook.publish import links
from asdbook.publish.links import Rule, Rules, ask, check_links, external_links, read_rules, report


class Server(BaseHTTPRequestHandler):
    """Answers as the path says; counts the questions."""

    asked: ClassVar[Counter] = Counter()
    agents: ClassVar[set] = set()

    def answer(self):
        self.asked[self.command, self.path] += 1
        self.agents.add(self.headers["User-Agent"])
        status, headers = 200, {}
        name = self.path.split("?")[0].split("/")[1]
        if name.isdigit():
            status = int(name)
        elif name == "moved":
            status, headers = 301, {"Location": "/200"}
        elif name == "to-nothing":
            status, headers = 302, {"Location": "/404"}
        elif name == "head-is-404":
            status = 404 if self.command == "HEAD" else 200
        elif name == "busy-once":
            status = 503 if self.asked["HEAD", self.path] == 1 else 200
        elif name == "silent":
            self.close_connection = True
            return
        self.send_response(status)
        for key, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(key, value)
        self.end_headers()

    do_HEAD = do_GET = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    """The address of a running server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def asked(address, rules=None):
    return ask(address, rules or Rules(), timeout=5, pause=0)


@pytest.mark.parametrize(
    ("path", "state", "what"),
    [
        ("/200", "fine", "status 200"),
        ("/moved", "fine", "status 200"),
        ("/head-is-404", "fine", "status 200"),
        ("/busy-once", "fine", "status 200"),
        ("/404", "dead", "status 404"),
        ("/410", "dead", "status 410"),
        ("/to-nothing", "dead", "status 404"),
        ("/403", "undecided", "refuses"),
        ("/429", "undecided", "status 429"),
        ("/503", "undecided", "status 503"),
        ("/silent", "undecided", "no answer"),
        ("/200/größe?a=b%20c", "fine", "status 200"),
    ],
)
def test_each_kind_of_answer(server, path, state, what):
    answer = asked(server + path)
    assert (answer.state, what in answer.what) == (state, True), answer


def test_a_busy_server_is_asked_again_and_a_clear_answer_is_not(server):
    Server.asked.clear()
    asked(f"{server}/500")
    asked(f"{server}/404")
    asked(f"{server}/403")
    assert Server.asked["HEAD", "/500"] == links.TRIES
    assert Server.asked["HEAD", "/404"] == Server.asked["GET", "/404"] == Server.asked["GET", "/403"] == 1
    assert all("asdbook" in agent for agent in Server.agents)


def test_nobody_at_home():
    with socket.socket() as free:  # bound, not listening: the port is nobody's
        free.bind(("127.0.0.1", 0))
        assert asked(f"http://127.0.0.1:{free.getsockname()[1]}/").state == "undecided"
    assert asked("http://[bad").state == "dead"


def test_a_host_that_does_not_exist_is_dead_and_a_mute_name_server_is_not(monkeypatch):
    for number, state in ((socket.EAI_NONAME, "dead"), (socket.EAI_AGAIN, "undecided")):

        def fails(*_, number=number, **__):
            raise socket.gaierror(number, "no")

        monkeypatch.setattr(socket, "getaddrinfo", fails)
        assert asked("http://gone.invalid/").state == state


def test_where_a_redirect_is_enough_it_is_not_followed(server):
    rules = Rules(redirect=(Rule("127.0.0.1", "/to-", "a test"),))
    Server.asked.clear()
    assert asked(f"{server}/to-nothing", rules).state == "fine"
    assert asked(f"{server}/404", rules).state == "dead"
    assert ("HEAD", "/404") in Server.asked and Server.asked["HEAD", "/404"] == 1


def test_rules_fit_a_host_and_those_below_it():
    rule = Rule("doi.org", "/10.", "why")
    assert rule.fits("https://doi.org/10.1/x") and rule.fits("https://dx.doi.org/10.1/x")
    assert not rule.fits("https://notdoi.org/10.1/x") and not rule.fits("https://doi.org/about")


@pytest.fixture
def site(tmp_path, server):
    folder = tmp_path / "site"
    (folder / "_static").mkdir(parents=True)
    (folder / "_static" / "other.html").write_text('<a href="https://never.example/">x</a>')
    (folder / "index.html").write_text(
        f'<a href="{server}/200#part">x</a> <a href="{server}/200">x</a> <a href="b.html">x</a>'
        f'<a href="mailto:a@b.example">x</a> <a id="here">x</a> <link href="{server}/style">'
        f'<a href="{server}/410?a=1&amp;b=2">x</a>'
    )
    (folder / "b.html").write_text(f'<a href="{server}/200">x</a><a href="{server}/skipped/1">x</a>')
    return folder


def test_only_external_links_of_pages_are_found(site, server):
    assert external_links(site) == {
        f"{server}/200": ["b.html", "index.html"],
        f"{server}/skipped/1": ["b.html"],
        f"{server}/410?a=1&b=2": ["index.html"],
    }


def test_the_report_names_pages_and_rules_without_use(site, server):
    rules = Rules(ignore=(Rule("127.0.0.1", "/skipped", "a test"), Rule("never.example", "", "a test")))
    pages = external_links(site)
    Server.asked.clear()
    answers = check_links(pages, rules, timeout=5, pause=0)
    lines = report(answers, pages, rules)
    assert lines[0] == "2 external links asked, 1 ignored by rule"
    assert f"dead       {server}/410?a=1&b=2 (status 410) on index.html" in lines
    assert any(line.startswith("unused     never.example") for line in lines)
    assert not any("skipped" in line for line in lines[1:]) and ("HEAD", "/skipped/1") not in Server.asked


def test_the_command_fails_for_dead_links_only(site, book, server, monkeypatch, capsys):
    monkeypatch.chdir(book.root)
    monkeypatch.setattr(links, "PAUSE_SECONDS", 0)
    assert links.main() == 2
    assert "make book" in capsys.readouterr().err
    book.html.parent.mkdir()
    site.rename(book.html)
    assert links.main() == 3
    said = capsys.readouterr()
    assert said.err.startswith("error: 1 external link(s) lead nowhere") and "410" in said.out
    (book.html / "index.html").write_text(f'<a href="{server}/403">x</a>')
    assert links.main() == 0
    assert "undecided" in capsys.readouterr().out


def test_the_project_s_rules_have_reasons(tmp_path):
    rules = read_rules()
    assert all(len(rule.reason.split()) > 4 for rule in (*rules.ignore, *rules.redirect))
    assert any(rule.fits("https://doi.org/10.1/x") for rule in rules.redirect)
    for text in ('[[ignore]]\nhost = "a.example"\n', '[[skip]]\nhost = "a"\nreason = "b"\n',
                 '[[ignore]]\nhosts = "a"\nreason = "b"\n', '[[ignore]]\nhost = "a"\nreason = " "\n'):
        (tmp_path / "rules.toml").write_text(text)
        with pytest.raises(BadInput, match=r"rules\.toml"):
            read_rules(tmp_path / "rules.toml")
