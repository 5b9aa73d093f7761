"""Measure a team's MLflow server (docs/team.md) while many log their results at once, and check what it then has.

    python benchmarks/team.py [--projects 20] [--no-restart]

It starts PostgreSQL, an S3 server and MLflow with accounts as processes, with the files in deploy/. Finished results
are made without training. Each of the projects logs another data set, and two more log the same one, by two users. In
the middle, the server is stopped and started again. The command prints how long it took, beside the same work one after
the other on a server of its own. It exits with 1 if a process failed, or if the server then has a run twice, a run
with other figures than the results, or anything else than one champion per data set. It needs what `make servers`
installs.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers.champions import complete_results, crown, random_champion
from helpers.team_server import ADMIN, TeamServer, missing_parts, team_server

from songwise.tracking.runs import log_runs

USERS = ("kim", "lee")
SHARED = "shared"
ALONE = 2  # projects that are logged one after the other
DOWN = 5.0  # seconds between the end of the server and its new start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--projects", type=int, default=20)
    parser.add_argument("--no-restart", action="store_true")
    arguments = parser.parse_args()
    if lacking := missing_parts():
        print(lacking)
        return 1
    import mlflow  # noqa: F401  (once, instead of in every process)

    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory(prefix="songwise-team-") as temporary:
        folder = Path(temporary)
        projects = make_projects(folder, arguments.projects)
        with team_server(folder / "one") as server:
            for user in USERS:
                server.add_user(user)
            begun = time.perf_counter()
            for project in projects[:ALONE]:
                log(server, project, USERS[0])
            alone = (time.perf_counter() - begun) / ALONE
        with team_server(folder / "all") as server:
            return measure(server, projects, alone, restart=not arguments.no_restart)


def make_projects(folder: Path, n: int) -> list[Path]:
    """Return folders with the finished results of one data set each; the last two have the same one."""
    model = folder / "model/results/tones"
    complete_results(random_champion(model / "champion"))
    projects = []
    for number, name in enumerate([*(f"set-{number:02d}" for number in range(n)), SHARED, SHARED]):
        project = folder / f"project-{number:02d}"
        results = project / "results" / name
        shutil.copytree(model, results)
        crown(results, dataset=name)
        for path in results.glob("models/*/params.json"):
            path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": name}))
        for path in results.glob("models/*/metrics.json"):
            accuracy = round(0.5 + 0.01 * (number if name != SHARED else 0), 4)
            path.write_text(json.dumps(json.loads(path.read_text()) | {"song_accuracy": accuracy}))
        projects.append(project)
    return projects


def log(server: TeamServer, project: Path, user: str) -> None:
    """Log the results of a project in a process of its own, and raise if it fails."""
    process = start(server, project, user)
    process.join()
    if process.exitcode:
        raise SystemExit((project / "log").read_text())


def start(server: TeamServer, project: Path, user: str) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(target=_log, args=(server.login(user), project))
    process.start()
    return process


def _log(login: dict[str, str], project: Path) -> None:
    os.chdir(project)
    os.environ.update(login)
    log_file = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log_file, 1)
    os.dup2(log_file, 2)
    content = log_runs(Path("results"), git_commit=None)
    Path("tracking.json").write_text(json.dumps(content))


def measure(server: TeamServer, projects: list[Path], alone: float, *, restart: bool) -> int:
    for user in USERS:
        server.add_user(user)
    begun = time.perf_counter()
    processes = [start(server, project, USERS[number % 2]) for number, project in enumerate(projects)]
    down = restart_in_the_middle(server, len(projects)) if restart else 0.0
    for process in processes:
        process.join()
    seconds = time.perf_counter() - begun
    problems = [
        f"{project.name} failed: {(project / 'log').read_text()[-2000:]}"
        for project, process in zip(projects, processes, strict=True)
        if process.exitcode
    ]
    problems += check(server, projects)
    print(f"{len(projects)} projects at once: {seconds:.0f} s, of which the server was down {down:.0f} s")
    print(f"one after the other: {alone * len(projects):.0f} s ({alone:.1f} s each)")
    print("\n".join(problems) or "every run is there once, with its figures, and each data set has one champion")
    return bool(problems)


def restart_in_the_middle(server: TeamServer, n_projects: int) -> float:
    """Stop the server when a third of the runs are there, start it again, and return how long it was down."""
    client = client_of(server)
    while sum(map(len, finished_runs(client).values())) < n_projects * 2 / 3:
        time.sleep(0.2)
    begun = time.perf_counter()
    server.stop()
    time.sleep(DOWN)
    server.start()
    return time.perf_counter() - begun


def client_of(server: TeamServer):
    import mlflow

    os.environ.update(server.login(ADMIN))
    return mlflow.MlflowClient(server.address)


def finished_runs(client) -> dict[str, list]:
    """Return the runs that the leaderboard of each data set shows."""
    experiments = {experiment.name: experiment.experiment_id for experiment in client.search_experiments()}
    return {
        name: [run for run in client.search_runs([number], "tags.stale IS NULL") if "run_key" in run.data.tags]
        for name, number in experiments.items()
        if name != "Default"
    }


def check(server: TeamServer, projects: list[Path]) -> list[str]:
    client, problems = client_of(server), []
    logged = finished_runs(client)
    models = {model.name: model for model in client.search_registered_models(max_results=1000)}
    for project in projects:
        (results,) = (project / "results").iterdir()
        name = results.name
        expected = {path.parent.name: path for path in sorted(results.glob("models/*/metrics.json"))}
        runs = logged.get(name, [])
        if sorted(run.info.run_name for run in runs) != sorted(expected):
            problems.append(f"{name}: has the runs {sorted(run.info.run_name for run in runs)}, not {sorted(expected)}")
        for run in runs:
            accuracy = json.loads(expected[run.info.run_name].read_text())["song_accuracy"]
            if run.info.status != "FINISHED" or run.data.metrics.get("song_accuracy") != accuracy:
                problems.append(f"{name}: {run.info.run_name} is {run.info.status} with {run.data.metrics}")
            files = {item.path for item in client.list_artifacts(run.info.run_id)}
            if not {"bundle", "confusion_song.png", "folds.json", "leakage.json"} <= files:
                problems.append(f"{name}: {run.info.run_name} has only the files {sorted(files)}")
        versions = client.search_model_versions(f"name = '{name}'")
        if name not in models or list(models[name].aliases) != ["champion"] or not versions:
            problems.append(f"{name}: has no champion in the registry")
        elif len(versions) != 1:
            problems.append(f"{name}: has {len(versions)} versions of the same champion")
    return problems


if __name__ == "__main__":
    raise SystemExit(main())
