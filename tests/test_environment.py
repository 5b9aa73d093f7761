"""pyproject.toml, requirements.lock and environment.yml list the same packages, and the lock is safe to publish."""

import ast
import re
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def locked(root) -> dict[str, str]:
    text = (root / "requirements.lock").read_text()
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^ \\;]+)", text, re.M)}


def declared(root) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return [Requirement(text) for text in project["dependencies"]]


def test_the_lock_satisfies_every_range(root):
    versions = locked(root)
    for requirement in declared(root):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_the_lock_has_a_hash_per_package_and_no_url(root):
    text = (root / "requirements.lock").read_text()
    entries = re.split(r"^(?=\S)", text, flags=re.M)[1:]
    assert len(entries) > 100
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_lock_excludes_packages_that_are_not_used(root):
    text = (root / "requirements.lock").read_text()
    for name in ("nvidia-nccl", "mutagen"):
        assert all("sys_platform == 'never'" in line for line in text.splitlines() if line.startswith(name))


def test_conda_users_get_the_same_packages_at_the_same_versions(root):
    environment = yaml.safe_load((root / "environment.yml").read_text())
    pip = next(group["pip"] for group in environment["dependencies"] if isinstance(group, dict))
    assert pip[-1] == "--editable ."
    versions = locked(root)

    def entry(requirement: Requirement, specifier: str) -> tuple:
        return canonicalize_name(requirement.name), sorted(requirement.extras), specifier, str(requirement.marker)

    theirs = [entry(requirement, str(requirement.specifier)) for requirement in map(Requirement, pip[:-1])]
    ours = [entry(requirement, f"=={versions[canonicalize_name(requirement.name)]}") for requirement in declared(root)]
    assert theirs == ours
    python = tomllib.loads((root / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"python {python}" in environment["dependencies"]


def installed_by(texts: list[str]) -> set[str]:
    """Return the names of packages that pip installs for requirements, as far as they are installed here."""
    visited: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in map(Requirement, texts)]
    while waiting:
        requirement, of_extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": of_extra}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for package, extra in visited if package == name}:
            visited.add((name, extra))
            with suppress(PackageNotFoundError):  # an extra of songwise that is not installed here
                waiting += [(Requirement(text), extra) for text in requires(name) or []]
    return {name for name, _ in visited}


def imported(path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"songwise"}


def test_whatever_songwise_imports_is_installed_with_it_or_with_an_extra(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    available = installed_by(project["dependencies"] + extras)
    packages = packages_distributions()
    for path in [*root.glob("src/songwise/**/*.py"), *root.glob("workflow/**/*.py")]:
        for name in imported(path):
            assert available & {canonicalize_name(package) for package in packages.get(name, [name])}, (name, path)


def test_the_packages_that_the_documentation_names_are_installed():
    from importlib.metadata import version

    packages = [
        "snakemake",
        "dvc",
        "mlflow",
        "librosa",
        "numpy",
        "pandas",
        "scikit-learn",
        "xgboost",
        "yt-dlp",
        "pydub",
    ]
    for name in packages:
        assert version(name)
