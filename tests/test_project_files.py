"""pyproject.toml, the constraints, CI and the citation say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from release.stage import licence_of

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def lower_bounds() -> dict[str, str]:
    """Package -> its lower bound, of all dependencies that the tests use."""
    extras = PROJECT["optional-dependencies"]
    # Tools and trackers that no test needs in their oldest version; Ray and live MIDI are not in `dev`.
    left_out = {"dev", "docs", "release", "models", "ray", "live", "tensorboard", "wandb", "transformers"}
    listed = [*PROJECT["dependencies"], *(one for name in extras if name not in left_out for one in extras[name])]
    found = {}
    for text in listed:
        bound = re.match(r"([\w.-]+)[>=]=([\d.]+)", text)
        if bound:
            found[bound[1]] = bound[2]
        else:
            assert text.startswith(f"{PROJECT['name']}["), text
    return found


def test_the_lowest_versions_are_the_lower_bounds() -> None:
    lowest, bounds = pins("constraints-lowest.txt"), lower_bounds()
    assert lowest.keys() == bounds.keys()
    wrong = {
        name: (lowest[name], bound)
        for name, bound in bounds.items()
        if not re.match(rf"{re.escape(bound)}(\.|$)", lowest[name])
    }
    assert wrong == {}


def test_every_dependency_is_pinned() -> None:
    tested = {name.lower().replace("_", "-") for name in pins("constraints.txt")}
    missing = {name for name in lower_bounds() if name.replace("_", "-") not in tested}
    assert missing == set()


def test_the_licence_names_those_of_the_bundled_weights() -> None:
    named = PROJECT["license"].split(" AND ")
    cards = list((ROOT / "symbolic_music" / "weights").glob("*/CARD.md"))
    assert set(named) == {"Apache-2.0", *map(licence_of, cards)}
    carried = {file for pattern in PROJECT["license-files"] for file in ROOT.glob(pattern)}
    assert carried == {ROOT / "LICENSE", *cards}


def test_ci_runs_each_python_that_is_classified() -> None:
    classified = {
        text.rsplit(" ", 1)[1]
        for text in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", text)
    }
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    for name in ("linux", "other-systems"):
        assert set(jobs[name]["strategy"]["matrix"]["python"]) == classified
    assert PROJECT["requires-python"] == f">={min(classified, key=lambda text: int(text[2:]))}"
    for job, command in (("linux", "make test"), ("site", "make docs"), ("package", "make dist")):
        assert any(command in step.get("run", "") for step in jobs[job]["steps"])


@pytest.mark.parametrize("workflow", ["ci.yml", "publish.yml"])
def test_actions_are_pinned(workflow: str) -> None:
    text = (ROOT / ".github/workflows" / workflow).read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", one)] == []


def test_pre_commit_has_the_ruff_of_the_constraints() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    revisions = {repository["repo"]: repository.get("rev") for repository in config["repos"]}
    assert revisions["https://github.com/astral-sh/ruff-pre-commit"] == f"v{pins('constraints.txt')['ruff']}"


def test_the_citation_is_the_project_s() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["authors"] == PROJECT["authors"]
    assert citation["license"] == PROJECT["license"].split(" AND ")[0]
    assert "version" not in citation  # it stands in version.py alone


@pytest.mark.parametrize("form", ["bug.yml", "feature.yml"])
def test_issue_forms_have_what_the_hub_requires(form: str) -> None:
    content = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / form).read_text(encoding="utf-8"))
    assert content.keys() >= {"name", "description", "body"}
    for part in content["body"]:
        assert part["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert part["type"] == "markdown" or (part["id"] and part["attributes"]["label"])


def test_the_container_copies_what_its_ignore_file_lets_through() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert names == set(let_through)
    assert all((ROOT / name).exists() for name in names)


def test_the_changelog_has_the_version() -> None:
    from symbolic_music import __version__

    headings = re.findall(
        r"^## \[([\d.]+|Unreleased)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert headings[0] in (__version__, "Unreleased")
    assert __version__ in headings
