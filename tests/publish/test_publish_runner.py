"""Execution of one chapter, with a real kernel."""

import json
import sys
from pathlib import Path

import nbformat
import pytest

from asdbook.errors import BadInput, UnknownName
from asdbook.publish.runner import ChapterFailed, execute_chapter, parameter_names

PROBE = '''# %% [markdown]
# # Probe

# %% tags=["parameters"]
profile = "smoke"
folder = ""

# %%
import json, os, sys
names = ["OMP_NUM_THREADS", "ASDBOOK_HOME", "TQDM_DISABLE", "IPYTHONDIR"]
print(json.dumps({"python": sys.executable, "profile": profile, **{n: os.environ.get(n) for n in names}}))

# %%
print(os.getcwd(), os.environ["PROBE_SECRET"])
print("more")
'''


@pytest.fixture
def probe(book):
    """The chapter `first` replaced by one that says where it runs."""
    (book.root / "book" / "first.py").write_text(PROBE)
    return book.chapter("first")


def outputs(book, page):
    notebook = nbformat.read(book.executed(page), as_version=4)
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_a_chapter_runs_in_this_python_with_its_parameters(book, probe, tmp_path, monkeypatch):
    broken = tmp_path / "user" / "kernels" / "asdbook"
    broken.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "broken", "language": "python"}
    (broken / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("ASDBOOK_HOME", "/elsewhere/home")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PROBE_SECRET", str(Path.home() / "data"))
    seconds = execute_chapter(book, probe, {"profile": "quick"})
    assert seconds > 0
    notebook = nbformat.read(book.executed(probe), as_version=4)
    said = json.loads(notebook.cells[3]["outputs"][0]["text"].replace("$VENV", sys.prefix))
    assert said["python"] == sys.executable
    assert said["profile"] == "quick"
    assert said["OMP_NUM_THREADS"] == "1" and said["TQDM_DISABLE"] == "1"
    assert said["ASDBOOK_HOME"] == "$ASDBOOK_HOME"  # it reached the kernel, and the page does not tell where
    assert said["IPYTHONDIR"] == "./build/ipython"
    assert notebook.cells[4]["outputs"][0]["text"] == "./book ~/data\nmore\n"
    injected = notebook.cells[2]
    assert injected["source"] == '# Parameters\nprofile = "quick"\n'
    assert injected["metadata"]["tags"] == ["injected-parameters", "hide-input"]
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert "papermill" not in json.dumps(notebook).lower()
    assert str(book.root) not in json.dumps(notebook) and str(Path.home()) not in json.dumps(notebook)


def test_the_same_chapter_gives_the_same_bytes(book):
    page = book.chapter("first")
    execute_chapter(book, page, {})
    first = book.executed(page).read_bytes()
    execute_chapter(book, page, {"profile": "smoke"})  # the default: nothing to inject
    again = json.loads(book.executed(page).read_text())
    again["metadata"]["asdbook"]["parameters"] = {}
    assert again == json.loads(first)


def test_a_folder_of_recordings_is_used_and_not_told(book):
    page = book.chapter("first")
    page.source.write_text('# %% [markdown]\n# # First\n\n# %% tags=["parameters"]\ndata = "synthetic-2023"\n\n'
                           '# %%\nprint(data, len(data))\n')
    folder = "/mnt/recordings/2023"
    execute_chapter(book, page, {"data": folder})
    text = book.executed(page).read_text()
    assert f"$DATA/2023 {len(folder)}" in text and folder not in text
    assert json.loads(text)["metadata"]["asdbook"]["parameters"] == {"data": "$DATA/2023"}


def test_nothing_is_written_when_a_kernel_ends(book, capfd):
    """A kernel that is interrupted while it waits would report an error that is none."""
    execute_chapter(book, book.chapter("first"), {})
    assert capfd.readouterr() == ("", "")


def test_a_kernel_that_works_can_still_be_interrupted(monkeypatch):
    import asyncio

    from jupyter_client.manager import KernelManager

    from asdbook.publish.kernel import QuietKernelManager

    sent = []

    async def note(self):
        sent.append(self.shutting_down)

    monkeypatch.setattr(KernelManager, "_async_interrupt_kernel", note)
    manager = QuietKernelManager()
    asyncio.run(manager._async_interrupt_kernel())
    manager.shutting_down = True
    asyncio.run(manager._async_interrupt_kernel())
    assert sent == [False]


def test_a_failing_cell_shows_its_traceback_and_the_last_good_page_stays(book):
    page = book.chapter("first")
    book.executed(page).parent.mkdir(parents=True)
    book.executed(page).write_text("the last good page")
    source = "# %% [markdown]\n# # First\n\n# %%\nx = 1\n\n# %%\nvalue = {}['absent']\n\n# %%\nnever = 1\n"
    page.source.write_text(source)
    with pytest.raises(ChapterFailed, match=r"chapter 'first' .*cell \[2\] raised KeyError: 'absent'") as failure:
        execute_chapter(book, page, {})
    assert failure.value.exit_code == 3
    assert "\n" not in str(failure.value)
    assert "value = {}['absent']" in failure.value.report and "Traceback" in failure.value.report
    assert "\x1b" not in failure.value.report
    assert book.executed(page).read_text() == "the last good page"
    assert [path.name for path in book.executed(page).parent.iterdir()] == ["first.ipynb"]


def test_a_dead_kernel_and_a_slow_cell_are_named(book):
    page = book.chapter("first")
    page.source.write_text("# %% [markdown]\n# # First\n\n# %%\nimport os\nos._exit(9)\n")
    with pytest.raises(ChapterFailed, match="kernel died"):
        execute_chapter(book, page, {})
    page.source.write_text("# %% [markdown]\n# # First\n\n# %%\nimport time\ntime.sleep(600)\n")
    with pytest.raises(ChapterFailed, match="longer than its limit"):
        execute_chapter(book, page, {}, cell_seconds=1)


def test_an_unknown_parameter_is_refused_before_anything_runs(book):
    with pytest.raises(UnknownName, match=r"unknown parameter of chapter first 'profil': did you mean 'profile'"):
        execute_chapter(book, book.chapter("first"), {"profil": "quick"})
    assert not book.build.exists()


def test_parameters_and_their_defaults_are_read_from_the_source(book):
    source = book.chapter("first").source
    assert parameter_names(source) == {"profile": "smoke", "numbers": [1, 2]}
    source.write_text('# %% tags=["parameters"]\nseeds: list[int] = [1]\n')
    assert parameter_names(source) == {"seeds": [1]}
    source.write_text('# %% tags=["parameters"]\nimport os\n')
    with pytest.raises(BadInput, match="import os"):
        parameter_names(source)
    source.write_text('# %% tags=["parameters"]\nx = open("f")\n')
    with pytest.raises(BadInput, match="name = literal"):
        parameter_names(source)
