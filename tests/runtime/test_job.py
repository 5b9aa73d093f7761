"""The frame of every job: errors in words, bugs with their traceback in the log."""

import subprocess

from helpers.process import start


def ended(code: str, folder) -> tuple[int, str, str]:
    """The exit code of a job with this code, its output, and its log."""
    lines = ["from pathlib import Path", "from songwise.runtime.job import job", "with job('x.log'):", f"    {code}"]
    job = start("\n".join(lines), folder, stderr=subprocess.PIPE, text=True)
    said = job.communicate()[1]
    return job.returncode, said, (folder / "x.log").read_text()


def test_full_disks_and_memory_end_in_a_message_and_bugs_leave_a_traceback_in_the_log(tmp_path):
    code, said, log = ended("Path('/dev/full').write_text('x')", tmp_path)
    assert code == 1 and said == log and "Traceback" not in said
    assert said.startswith("songwise: the disk is full (") and "run the same command again" in said
    code, said, log = ended("bytearray(1 << 62)", tmp_path)
    assert code == 1 and said == log and said.startswith("songwise: out of memory. Try fewer --cores")
    denied = "import errno, os; raise OSError(errno.EROFS, os.strerror(errno.EROFS), 'data/x.csv')"
    code, said, log = ended(denied, tmp_path)
    assert code == 1 and said == log and said.startswith("songwise: data/x.csv: Read-only file system. songwise reads")
    code, said, log = ended("1 / 0", tmp_path)
    assert code == 1 and "this is a bug of songwise; please report it with x.log" in said and "Traceback" not in said
    assert "Traceback" in log and log.endswith(said)


def test_an_unwritable_log_hides_no_error_and_ends_without_a_traceback(tmp_path):
    (tmp_path / "x.log").symlink_to("/dev/full")
    job = start("from songwise.runtime.job import job\nwith job('x.log'): print('x')", tmp_path, stderr=subprocess.PIPE)
    said = job.communicate()[1].decode()
    assert job.returncode == 1 and said.startswith("songwise: the disk is full (") and "Traceback" not in said


def test_a_truncated_input_ends_a_job_before_it_can_count_fewer_rows(tmp_path):
    (tmp_path / "splits.csv").write_text("track_id,fold\na,0\nb,1")
    (tmp_path / "bundle").mkdir()
    lines = ["from songwise.runtime.job import job"]
    lines += ["with job('x.log', ['bundle', 'splits.csv']):", "    print('rows were counted')"]
    program = start("\n".join(lines), tmp_path, stderr=subprocess.PIPE, text=True)
    assert program.communicate()[1] == (
        "songwise: splits.csv is damaged (its end is missing). Delete it and run snakemake again, which makes it\n"
    )
    assert program.returncode == 1 and "rows were counted" not in (tmp_path / "x.log").read_text()
