"""What a figure depends on besides data and parameters: our own code and the libraries under it.

Snakemake does not see edits in an imported package, so rules name `code_of(...)` as a parameter.
"""

import ast
import hashlib
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


@cache
def code_of(*modules: str) -> str:
    """A hash of `songwise` modules, of those they import, and of the versions of the libraries they use.

    The hash is of the syntax tree, so comments and layout do not count.

    Parameters
    ----------
    modules : names of modules below `songwise`, such as "features".
    """
    sources, libraries = _closure(modules)
    parts = [f"{name} {_tree_hash(name)}" for name in sorted(sources)]
    parts += sorted(f"{name} {_version(name)}" for name in libraries)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _closure(modules: tuple[str, ...]) -> tuple[set[str], set[str]]:
    seen: set[str] = set()
    libraries: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                # What is imported may be a module of ours itself: from songwise.dsp import pitch.
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                top, _, rest = name.partition(".")
                if top == "songwise" and rest:
                    waiting += _modules(rest)
                else:
                    libraries.add(top)
    return seen, libraries


def _modules(dotted: str) -> list[str]:
    # The modules along a dotted name: the names of functions at its end are none.
    parts = dotted.split(".")
    names = [".".join(parts[: count + 1]) for count in range(len(parts))]
    return [name for name in names if _path(name).is_file()]


def _path(module: str) -> Path:
    base = _PACKAGE.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


def _tree_hash(module: str) -> str:
    return hashlib.sha256(ast.dump(_tree(module)).encode()).hexdigest()


@cache
def _version(library: str) -> str:
    # A table rather than packages_distributions(), which scans every installed package for 0.3 s.
    try:
        return version(library)
    except PackageNotFoundError:
        distribution = _OTHER_NAMES.get(library)
        if distribution is None:
            return ""  # the standard library
        return version(distribution)


_OTHER_NAMES = {"sklearn": "scikit-learn", "yaml": "PyYAML", "imageio_ffmpeg": "imageio-ffmpeg"}


def git_commit() -> str | None:
    """The commit that is checked out in the current folder, with "-dirty" where files differ; None outside git."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
