"""What a figure depends on besides data and parameters: our own code and the libraries that it uses.

Snakemake does not see edits in an imported package, so rules take `code_of(...)` as a parameter. Only what a figure can
follow from is counted, so that an edit redoes what depends on it and nothing else.
"""

import ast
import atexit
import hashlib
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from songwise.files import read_json, write_json

_PACKAGE = Path(__file__).parents[1]
# Modules that only write messages, name files, measure time and lock: no figure depends on them.
_WITHOUT_FIGURES = ("errors", "owner", "paths", "text", "runtime", "datasets.track")
# Distributions whose name is not that of their package. packages_distributions() would scan all of them for 0.3 s.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "PyYAML", "imageio_ffmpeg": "imageio-ffmpeg"}
_CACHE = Path(".snakemake/songwise.code.json")  # below the current folder, if a run has been there
_CACHE_FORMAT = 1


class _Module(NamedTuple):
    """What is counted of a module: a hash of its code, the modules of songwise that it imports, and the libraries."""

    code: str
    modules: list[str]
    libraries: list[str]


@cache
def code_of(*modules: str, libraries: tuple[str, ...] = ()) -> str:
    """Return a hash of modules of songwise, of those that they import, and of the versions of the libraries they use.

    Comments, layout, docstrings, annotations of functions and the arguments of `raise InputError(...)` do not count.
    Neither do the modules `errors`, `owner`, `paths` and `text`, nor the package `runtime`.

    Parameters
    ----------
    *modules : str
        Full names below songwise, such as "features.extract".
    libraries : tuple of str, default=()
        Further libraries that are used without an import statement, such as a model's estimator's.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    sources, imported = closure_of(*modules)
    parts = [f"{name} {_scan(name).code}" for name in sorted(sources)]
    parts += sorted(f"{name} {_version(name)}" for name in imported | set(libraries))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def closure_of(*modules: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return what `code_of` counts.

    Parameters
    ----------
    *modules : str
        Full names below songwise.

    Returns
    -------
    modules : frozenset of str
        The modules of songwise, by their full names.
    libraries : frozenset of str
        The top-level packages outside songwise, those of the standard library included.

    Raises
    ------
    ModuleNotFoundError
        If a name is not a module of songwise: a rule would otherwise count nothing.
    """
    seen: set[str] = set()
    libraries: set[str] = set()
    waiting = list(modules)
    for name in modules:
        if not _path(name).is_file():
            raise ModuleNotFoundError(f"songwise.{name}")
    while waiting:
        name = waiting.pop()
        if name in seen or name in _WITHOUT_FIGURES or name.split(".")[0] in _WITHOUT_FIGURES:
            continue
        seen.add(name)
        module = _scan(name)
        waiting += module.modules
        libraries.update(module.libraries)
    return frozenset(seen), frozenset(libraries)


@cache
def _scans() -> dict:
    # Path below the package to {stamp, module}; "format" guards against caches of other versions of this module.
    with suppress(OSError, ValueError):
        scans = read_json(_CACHE)
        if isinstance(scans, dict) and scans.get("format") == [_CACHE_FORMAT, str(_PACKAGE)]:
            return scans
    return {"format": [_CACHE_FORMAT, str(_PACKAGE)]}


@cache
def _scan(name: str) -> _Module:
    path = _path(name)
    status = path.stat()
    stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
    known = _scans().get(name)
    if known and known["stamp"] == stamp:
        return _Module(*known["module"])
    module = _read(path)
    _scans()[name] = {"stamp": stamp, "module": module}
    _save_at_exit()
    return module


@cache
def _save_at_exit() -> None:
    # The next start then parses only the modules that changed.
    atexit.register(_save_scans, _CACHE.absolute())


def _save_scans(path: Path) -> None:
    if path.parent.is_dir():
        with suppress(OSError):  # a full disk, or a folder of someone else: the next start parses again
            write_json(path, _scans())


def _read(path: Path) -> _Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules: list[str] = []
    libraries: set[str] = set()
    for name in _imports(tree):
        top, _, rest = name.partition(".")
        if top == "songwise" and rest:
            modules += _modules(rest)
        elif top != "songwise":
            libraries.add(top)
    code = hashlib.sha256(ast.dump(_without_words(tree)).encode()).hexdigest()
    return _Module(code, sorted(set(modules)), sorted(libraries))


def _imports(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # What is imported may itself be a module of ours: from songwise.features.dsp import pitch.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_words(tree: ast.Module) -> ast.Module:
    """Remove docstrings, annotations of functions and the texts of errors that end a job."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            error = node.exc.func
            if isinstance(error, ast.Name) and error.id == "InputError":
                node.exc.args = []
    return tree


def _modules(dotted: str) -> list[str]:
    # The modules along a dotted name: its end may be a function.
    parts = dotted.split(".")
    names = [".".join(parts[: count + 1]) for count in range(len(parts))]
    return [name for name in names if _path(name).is_file()]


def _path(module: str) -> Path:
    base = _PACKAGE.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def _version(library: str) -> str:
    try:
        return version(_DISTRIBUTIONS.get(library, library))
    except PackageNotFoundError:
        return ""  # the standard library


def git_commit() -> str | None:
    """Return the commit that is checked out in the current folder.

    Returns
    -------
    str or None
        40 hexadecimal digits, with "-dirty" if files differ from it; None outside git. Results do not count: a team may
        have committed those of an earlier run.
    """
    try:
        commit = _git("describe", "--always", "--abbrev=40", "--exclude=*")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude)results")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True, timeout=30).stdout.strip()
