"""The weights of the networks that a run needs, fetched before any job, and what happens without them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from songwise.acquire.download import UnavailableError, check_mirror
from songwise.acquire.weights import cached_weights, fetch_weights, networks_cache
from songwise.errors import InputError
from songwise.features.embedding_presets import check_clip
from songwise.features.preset_files import check_own_weights, load_network, own_weights
from songwise.plan.plan import Plan


def provide_weights(
    plan: Plan, missing: Mapping[str, tuple[int, ...]], *, root: Path, real: bool, say: Callable[[str], None]
) -> Plan:
    """Fetch the weights that a run needs, and leave out the rows of a group whose weights are not available.

    Weights are needed only where a table is missing. They become ONNX here, so that a file that cannot be used stops
    the run before any job.

    Parameters
    ----------
    plan : Plan
        The checked configuration.
    missing : mapping of str to tuple of int
        For each preset with tables of its own, the shards that it has no table of.
    root : Path
        The folder that contains config/.
    real : bool
        Whether jobs will be executed. Otherwise nothing is fetched.
    say : callable
        Receives a line per file that is fetched.

    Returns
    -------
    Plan
        Without the rows that are left out.

    Raises
    ------
    InputError
        If a model that is asked for by name needs weights that are not available, or if a file of weights cannot be
        used.
    """
    check_mirror(plan.settings["weights"], key="weights")
    needed = {name: preset for name, preset in plan.tables.items() if "network" in preset and missing[name]}
    networks = {preset["network"]["name"]: (name, preset["network"]) for name, preset in needed.items()}
    reasons = {}
    for name, (preset, network) in networks.items():
        reason = _too_short(needed[preset], plan) or _provide(network, plan, root, real, say)
        if reason:
            reasons[name] = reason
    for name, reason in reasons.items():
        lacking = {preset for preset, content in needed.items() if content["network"]["name"] == name}
        plan = plan.without([run for run in plan.runs if lacking & set(plan.parts[run.preset])], reason)
    return plan


def fetch_networks(names: Sequence[str], *, root: Path, mirror: str | None, say: Callable[[str], None]) -> None:
    """Fetch the weights of networks and make ONNX files of them.

    Parameters
    ----------
    names : sequence of str
        Names of files in config/networks. If it is empty, all networks that have an address.
    root : Path
        The folder that contains config/.
    mirror : str, optional
        A folder or base URL that is tried first.
    say : callable
        Receives a line per network.

    Raises
    ------
    InputError
        If a network does not exist or its weights are not available. The other networks are fetched first. If there are
        no networks at all, as in a folder that is not a project.
    """
    check_mirror(mirror)
    known = sorted(path.stem for path in (root / "config" / "networks").glob("*.yaml"))
    if not known:
        raise InputError("config/networks has no files; run the command in the project's folder")
    networks = [load_network(name, root) for name in names or known]
    if not names:
        networks = [network for network in networks if not own_weights(network, root)]
    problems = []
    for network in networks:
        try:
            check_own_weights(network, root)
            path = own_weights(network, root) or fetch_weights(network, [mirror], say)
            _convert(network, path)
            say(f"{network['name']} is ready: {path} ({network['weights']['license']})")
        except UnavailableError as error:
            problems.append(f"the weights of {network['name']} are not available: {error}")
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))


def weights_file(network: Mapping, root: Path) -> Path:
    """Return where a network's weights are: the user's own file, or the one in the cache.

    Parameters
    ----------
    network : mapping
        The content of the network's file.
    root : Path
        The folder that contains config/.
    """
    return own_weights(network, root) or cached_weights(network)


def _provide(network: Mapping, plan: Plan, root: Path, real: bool, say: Callable[[str], None]) -> str:
    """Make a network's weights ready, and return why that is impossible and what to do, or ""."""
    path = weights_file(network, root)
    if own_weights(network, root):
        try:
            check_own_weights(network, root)
        except InputError as error:
            return str(error)
    elif not path.is_file():
        # A dry run fetches nothing. It shows models that are asked for by name as a real run would make them.
        reason = "" if plan.is_list else "a dry run does not fetch them"
        if real:
            reason = _fetch(network, plan, say)
        if reason:
            return (
                f"The weights of {network['name']} are not here ({reason}). To get them: songwise weights "
                f"{network['name']}, or set weights to a folder that has {network['weights']['file']}"
            )
    if real:
        _convert(network, path)
    return ""


def _fetch(network: Mapping, plan: Plan, say: Callable[[str], None]) -> str:
    try:
        fetch_weights(network, [plan.settings["weights"], plan.settings["mirror"]], say)
    except UnavailableError as error:
        return str(error)
    return ""


def _too_short(preset: dict, plan: Plan) -> str:
    """Return why the data set's clips do not fill a network's patches and what to do, or ""."""
    try:
        check_clip(preset, plan.dataset["clip"], str(plan.dataset_path))
    except InputError as error:
        return str(error)
    return ""


def _convert(network: Mapping, weights: Path) -> None:
    # Imports onnx, which a start without missing tables does not need.
    from songwise.features.networks.convert import onnx_of

    onnx_of(network, weights, networks_cache())
