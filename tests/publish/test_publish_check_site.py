"""One test a defect of built pages, and a site without any."""

import pytest

from asdbook.publish import check_site as module
from asdbook.publish.check_site import check_site

GOOD = """<html><head><link rel="stylesheet" href="style.css"></head><body><article>
<h1>Title</h1><h2 id="part">Part</h2><p>Text with 3/4 and <a href="#part">a link</a>,
<a href="other.html#there">other</a>, <a href="https://example.org">outside</a>.</p>
<img src="figure.png" alt="loss falls over fifty epochs"><svg aria-hidden="true"></svg>
<audio preload="none" aria-label="fan, normal" src="sound.wav"></audio>
{}
</article></body></html>"""


@pytest.fixture
def site(tmp_path):
    """A function: the defects of a site whose first page has this addition."""
    (tmp_path / "other.html").write_text('<html><body><h1 id="there">Other</h1></body></html>')
    for name in ("style.css", "figure.png", "sound.wav"):
        (tmp_path / name).write_text("")

    def defects(addition=""):
        (tmp_path / "page.html").write_text(GOOD.format(addition))
        return [str(defect) for defect in check_site(tmp_path)]

    return defects


def test_a_clean_site_has_no_defect(site):
    assert site() == []


@pytest.mark.parametrize(
    ("addition", "what"),
    [
        ('<a href="nowhere.html">x</a>', "nowhere.html leads nowhere"),
        ('<a href="other.html#absent">x</a>', "other.html#absent: no such place"),
        ('<a href="#absent">x</a>', "#absent: no such place"),
        ('<a href="other.html"></a>', "has no text"),
        ('<img src="figure.png">', "without alt text"),
        ('<img src="figure.png" alt="figure.png">', "without alt text"),
        ('<img src="figure.png" alt="Figure size 640x480 with 1 Axes">', "without alt text"),
        ("<svg></svg>", "inline svg"),
        ("<h4>Deep</h4>", "level 4 follows level 2"),
        ("<h1>Second</h1>", "2 titles"),
        ('<script src="https://cdn.example.org/x.js"></script>', "from the network"),
        ('<img alt="a picture of a fan" src="absent.png">', "missing file absent.png"),
        ('<audio preload="none" aria-label="fan" src="absent.wav"></audio>', "missing file absent.wav"),
        ('<audio preload="none" src="sound.wav"></audio>', "audio without aria-label"),
        ('<audio aria-label="fan" src="sound.wav"></audio>', "all sounds load at once"),
        ('<div class="cell_output"><pre>Traceback (most recent call last):</pre></div>', "a traceback"),
        ("<p>The file is /home/me/run.</p>", "an absolute path"),
        ('<div class="cell_output"><pre>FutureWarning: soon</pre></div>', "a warning"),
    ],
)
def test_a_defect_is_found(site, addition, what):
    found = site(addition)
    assert len(found) == 1 and what in found[0] and found[0].startswith("page.html: "), found


def test_a_heavy_page_and_a_heavy_site(site, monkeypatch):
    assert site("<!--" + "x" * module.MAX_PAGE_BYTES + "-->")[0].startswith("page.html: size: 2.0 MB")
    monkeypatch.setattr(module, "MAX_SITE_BYTES", 100)
    assert "site: size" in site()[0]
