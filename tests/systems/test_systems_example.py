"""The example package that the page "Add a system" shows: installed for real, it is found by its entry point.

(The contract tests run over its class, too.)
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the installed example package, built without a network from a copy."""
    folder, copy = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "band_level.py"):
        (copy / name).write_text((ROOT / "examples" / "band_level" / name).read_text())
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "--target", str(folder), str(copy)]
    subprocess.run(command, check=True, timeout=120)
    return folder


def asdbook(*words, path, home):
    """Runs the command line where `path` is on Python's path."""
    code = f"import sys; sys.path.append({str(path)!r}); from asdbook.cli import entry; sys.exit(entry())"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "ASDBOOK_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home, timeout=300)


def test_the_command_line_knows_it_once_it_is_installed(installed, tmp_path):
    listed = asdbook("systems", path=installed, home=tmp_path)
    assert "band_level" in listed.stdout and "variants: full, diagonal" in listed.stdout, listed.stderr
    refused = asdbook("run", "band_level", path=tmp_path, home=tmp_path)
    assert refused.returncode == 2 and "unknown system 'band_level'" in refused.stderr


def test_the_page_shows_the_files_and_no_copy_of_them():
    page = (ROOT / "book" / "extending.py").read_text()
    assert 'find_book().root / "examples/band_level"' in page
    assert 'listing("band_level.py"' in page and 'listing("pyproject.toml"' in page
    assert "def fit" not in page
