"""One test a defect of executed notebooks, and a notebook without any."""

import nbformat.v4 as v4
import pytest

from asdbook.publish.check_notebook import MAX_CELL_LINES, STALE_CLASS, check_notebook

PNG = "iVBORw0KGgo="


def notebook(*cells, title="# Title", source="now"):
    result = v4.new_notebook(cells=[v4.new_markdown_cell(title), *cells])
    result.metadata["asdbook"] = {"source": source}
    return result


def code(source="1", outputs=(), count=1, **metadata):
    return v4.new_code_cell(source, execution_count=count, outputs=list(outputs), metadata=metadata)


def stream(text, name="stdout"):
    return v4.new_output("stream", text=text, name=name)


def shown(**data):
    return v4.new_output("display_data", data={key.replace("_", "/"): value for key, value in data.items()})


def only(book):
    found = check_notebook("page", book, "now")
    assert len(found) == 1, found
    return str(found[0])


def test_a_clean_notebook_has_no_defect():
    image = code("plot()", [shown(image_png=PNG)], mystnb={"image": {"alt": "loss falls over fifty epochs"}})
    table = code("table()", [shown(text_html="<table></table>", text_plain="<T object at 0x7f00>")])
    prose = v4.new_markdown_cell("## Part\n\n```bash\n# not a heading\n```\n\n### Detail")
    lines = code("\n".join(["x = 1"] * MAX_CELL_LINES))
    text = code("print(1)", [stream("see https://example.org/home/x and a/b/c, 3/4 of 10\n")])
    assert check_notebook("page", notebook(image, table, prose, lines, text, code("")), "now") == []


def test_an_unexecuted_cell():
    assert "was not executed" in only(notebook(code("x = 1", count=None)))


def test_an_error_output():
    error = v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    assert "error output: ValueError" in only(notebook(code(outputs=[error])))


@pytest.mark.parametrize("alt", [None, " ", "fig.png"])
def test_an_image_without_alt_text(alt):
    metadata = {"mystnb": {"image": {"alt": alt}}} if alt else {}
    assert "without alt text" in only(notebook(code("plot()", [shown(image_png=PNG)], **metadata)))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("/tmp/x.py:3: UserWarning: beware\n", "a warning"),
        (" 45%|████      | 9/20 [00:01<00:02,  5it/s]", "a progress bar"),
        ("loading weights\n", "text on stderr"),
    ],
)
def test_text_on_stderr(text, what):
    found = check_notebook("page", notebook(code(outputs=[stream(text, "stderr")])), "now")
    assert any(what in str(defect) for defect in found)


@pytest.mark.parametrize("path", ["/home/me", "see /tmp/abc", "open('/Users/me/data')", r"C:\data\run", "(/root/x)"])
def test_an_absolute_path(path):
    assert "an absolute path" in only(notebook(code(outputs=[stream(path)])))


def test_a_traceback_and_an_address():
    assert "a traceback" in only(notebook(code(outputs=[stream("Traceback (most recent call last):\n")])))
    assert "memory address" in only(notebook(code(outputs=[shown(text_plain="<Thing at 0x7f00aa>")])))


def test_a_long_cell():
    assert "16 lines" in only(notebook(code("\n".join(["x = 1"] * (MAX_CELL_LINES + 1)))))


def test_a_stale_source_without_banner():
    assert "another source" in only(notebook(source="before"))
    banner = v4.new_markdown_cell(f":::{{admonition}} Old\n:class: {STALE_CLASS}\n:::")
    assert check_notebook("page", notebook(banner, source="before"), "now") == []


def test_skipped_heading_and_missing_title():
    assert "level 3 follows level 1" in only(notebook(v4.new_markdown_cell("### Deep")))
    found = check_notebook("page", notebook(title="no title"), "now")
    assert "0 titles" in str(found[0])
