"""Workflows, issue forms, texts for contributors: least rights, pinned actions, and nothing named that is not there."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
MAY_WRITE = {  # what a job may change, and nothing else anywhere
    ("pages", "notebooks"): {"contents"},
    ("pages", "deploy"): {"pages", "id-token"},
}
EVERY = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def load(path):
    """A workflow; yaml reads the key `on` as True."""
    workflow = yaml.safe_load(path.read_text())
    workflow["on"] = workflow.pop(True)
    return workflow


def steps(path):
    return [(name, step) for name, job in load(path)["jobs"].items() for step in job["steps"]]


def test_the_workflows_are_there():
    assert [path.stem for path in WORKFLOWS] == ["ci", "pages", "scheduled"]
    assert load(WORKFLOWS[0])["on"] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert load(WORKFLOWS[1])["on"]["push"] == {"branches": ["main"]}
    assert len(load(WORKFLOWS[2])["on"]["schedule"]) == 2


@EVERY
def test_a_job_has_the_least_rights_and_an_end(path):
    workflow = load(path)
    assert workflow["permissions"] == {}, "each job asks for its own"
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        rights = job["permissions"]
        assert set(rights.values()) <= {"read", "write"}
        assert {key for key, value in rights.items() if value == "write"} == MAY_WRITE.get((path.stem, name), set())
        assert 0 < job["timeout-minutes"] <= 90
        assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"]), "an image of a named version"


@EVERY
def test_actions_are_pinned_by_commit_with_their_version(path):
    lines = re.findall(r"uses: *(.*)", path.read_text())
    assert lines and len(lines) == sum("uses" in step for _, step in steps(path))
    for line in lines:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_commit():
    text = "".join(path.read_text() for path in WORKFLOWS)
    pins = set(re.findall(r"uses: *(\S+)@(\S+ # \S+)", text))
    assert len(pins) == len({action for action, _ in pins})


@EVERY
def test_no_secret_and_no_token_where_changes_of_others_run(path):
    text = path.read_text()
    assert "secrets." not in text and "github.token" not in text and "pull_request_target" not in text
    for name, step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            pushes = MAY_WRITE.get((path.stem, name)) == {"contents"}
            assert step["with"]["persist-credentials"] is pushes, "a token lies in the checkout only where it pushes"


@EVERY
def test_no_text_of_others_reaches_a_shell(path):
    for _, step in steps(path):
        assert "${{" not in step.get("run", ""), "an expression in a script is code: pass it as env"


@EVERY
def test_commands_exist(path):
    ran = [step["run"] for _, step in steps(path) if "run" in step]
    for script in ran:
        for line in script.splitlines():
            if match := re.match(r"make ([^|]*)", line):
                words = match.group(1).split()
                wanted = {word for word in words if "=" not in word}
                assert wanted and wanted <= TARGETS, line
            if match := re.match(r"bash (\S+)", line):
                assert (ROOT / match.group(1)).is_file(), line
    assert ran


def test_a_pipe_does_not_hide_a_failure():
    for path in WORKFLOWS:
        assert load(path)["defaults"]["run"]["shell"] == "bash", "with pipefail, which the default lacks"


def test_both_pythons_of_the_project_are_checked():
    (job,) = load(WORKFLOWS[0])["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
    assert 'requires-python = ">=3.11,<3.13"' in (ROOT / "pyproject.toml").read_text()
    assert any(step.get("run") == "bash .ci/run" for step in job["steps"])


def test_each_schedule_starts_one_job():
    workflow = load(WORKFLOWS[2])
    conditions = [job["if"] for job in workflow["jobs"].values()]
    for cron in (entry["cron"] for entry in workflow["on"]["schedule"]):
        assert sum(f"'{cron}'" in condition for condition in conditions) == 1


def test_pages_deploys_after_the_notebooks_and_from_main_only():
    jobs = load(WORKFLOWS[1])["jobs"]
    assert set(jobs["deploy"]["needs"]) == {"build", "notebooks"} and jobs["notebooks"]["needs"] == "build"
    assert "refs/heads/main" in jobs["build"]["if"]
    given = {step["with"]["path"] for step in jobs["build"]["steps"] if "upload" in step.get("uses", "")}
    assert given == {"build/html", "build/notebooks"}


def test_the_forms_ask_for_what_is_needed():
    assert [path.stem for path in FORMS] == ["does-not-run", "number-does-not-match", "typo"]
    asked = {}
    for path in FORMS:
        form = yaml.safe_load(path.read_text())
        assert form["name"] and form["description"] and form["labels"]
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert all(field["attributes"]["label"] for field in fields)
        ids = [field["id"] for field in fields]
        assert len(ids) == len(set(ids))
        asked[path.stem] = {f["id"] for f in fields if f.get("validations", {}).get("required")}
    assert {"command", "output", "commit", "machine"} <= asked["does-not-run"]
    assert {"book", "yours", "profile", "provenance", "command"} <= asked["number-does-not-match"]
    assert asked["typo"] == {"page", "passage"}


def test_the_form_s_profiles_are_those_of_the_systems():
    from asdbook import systems

    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "number-does-not-match.yml").read_text())
    (options,) = (f["attributes"]["options"] for f in form["body"] if f.get("id") == "profile")
    assert set(options[:-1]) == set(systems.get("trivial").profiles) - {"tiny"}


TEXTS = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    GITHUB / "PULL_REQUEST_TEMPLATE.md",
    ROOT / "book" / "extending.py",
]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_texts_name_only_what_exists(path):
    text = path.read_text()
    for words in re.findall(r"(?:^|`)make ([a-z][a-z ]*)", text, re.MULTILINE):
        assert set(words.split()) <= TARGETS, words
    named = set(re.findall(r"[\w./-]*[\w-]/[\w./-]+|\b[A-Z]+\.md\b|_\w+\.yml", text))
    for name in sorted(named):
        if name.split("/")[0] in ("src", "tests", "book", "examples", ".github", ".ci", "CHANGELOG.md", "_toc.yml"):
            assert (ROOT / name.rstrip(".")).exists(), name


def test_contributors_learn_how_to_add_each_thing():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for title in ("Add a system", "Add a chapter", "Add a year", "Set up and test", "What a change must pass"):
        assert f"## {title}\n" in text
    changes = (ROOT / "CHANGELOG.md").read_text()
    releases = re.split(r"^## ", changes, flags=re.MULTILINE)[1:]
    assert releases and all("### Numbers that moved\n" in release for release in releases)
