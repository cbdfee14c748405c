"""Who may import whom, what `import asdbook` costs, and files that must agree."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "asdbook"

# Downward only: a part may import the parts of lower rank; what is named here besides is forbidden or allowed.
RANK = {
    "errors": 0,
    "paths": 0,
    "metrics": 1,
    "papers": 1,
    "data": 1,
    "simulate": 2,
    "nn": 2,
    "features": 2,
    "losses": 3,
    "augment": 3,
    "detectors": 3,
    "systems": 4,
    "experiment": 5,
    "report": 6,
    "bench": 7,
    "publish": 7,
    "cli": 8,
}
ONLY = {  # parts with a narrower list than their rank gives
    "metrics": {"errors"},
    "papers": {"errors"},
    "data": {"errors", "paths"},
    "simulate": {"errors", "data.names"},
    "report": {"errors", "papers", "metrics", "experiment.records", "simulate", "data"},
    "systems": {"errors", "data", "features", "nn", "losses", "augment", "detectors"},
}


def imports(path: Path) -> set[str]:
    """Dotted names below `asdbook` that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("asdbook.")}
        elif isinstance(node, ast.ImportFrom) and node.module == "asdbook":
            found |= {f"asdbook.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asdbook."):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("asdbook.") for name in found if not name.startswith("asdbook.__")}


def upward(part: str, name: str) -> bool:
    """Whether `part` must not import `name`."""
    target = name.split(".")[0]
    if target == part:
        return False
    if part in ONLY:
        return not any(name == ok or name.startswith(ok + ".") for ok in ONLY[part])
    return RANK[target] >= RANK[part]


@pytest.mark.parametrize("part", sorted(RANK))
def test_imports_go_downward(part):
    folder = SOURCE / part
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{part}.py"]
    assert files
    wrong = [f"{path.name}: {name}" for path in files for name in imports(path) if upward(part, name)]
    assert not wrong


def test_every_part_has_a_rank():
    parts = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert parts <= set(RANK)


def test_upward_import_is_seen():
    assert upward("data", "systems.base")
    assert upward("report", "experiment.runner")
    assert not upward("report", "experiment.records.find")
    assert upward("simulate", "data.index")


@pytest.mark.parametrize(
    "module",
    [
        "asdbook",
        "asdbook.data",
        "asdbook.metrics",
        "asdbook.simulate",
        "asdbook.report",
        "asdbook.experiment.records",
        "asdbook.cli",
    ],
)
def test_no_torch_on_import(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def requirement(line: str) -> str:
    """The package name of a requirement line."""
    return re.split(r"[<>=!~\[; ]", line.strip())[0].lower().replace("_", "-")


def locked() -> dict[str, str]:
    """Package to version in the lock."""
    pairs = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.M)
    return {name.lower(): version for name, version in pairs}


def test_lock_holds_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {requirement(d) for d in project["dependencies"] + project["optional-dependencies"]["test"]}
    assert wanted <= set(locked())
    assert locked()["torch"] == locked()["torchaudio"] == "2.11.0"


def test_lock_has_a_hash_for_each_package():
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block.split("\n")[0])


def test_environment_agrees_with_lock_and_project():
    text = (ROOT / "environment.yml").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"python{project['requires-python']}" in text
    assert "-r requirements.lock" in text and "--require-hashes" in text


def test_each_dependency_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    lines = [line for line in block.splitlines() if line.strip().startswith('"')]
    assert len(lines) > 20
    assert all("#" in line for line in lines)


def test_no_registry_host_is_named():
    for name in ("requirements.lock", "pyproject.toml", "environment.yml"):
        assert not re.search(r"https?://(?!creativecommons)", (ROOT / name).read_text()), name
