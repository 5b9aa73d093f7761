"""Compare the song accuracy of models on raw and on standardised audio."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.files import read_rows
    from songwise.paths import run_of
    from songwise.studies.standardised import compare_standardised

    ranked = {str(run_of(row)) for row in read_rows(Path(snakemake.input.leaderboard))}
    compare_standardised(
        [pair for pair in snakemake.params.pairs if ranked >= set(pair)],
        **{name: Path(snakemake.input[name]) for name in ("tracks_csv", "duplicates_csv", "splits_csv")},
        protocol=snakemake.params.protocol,
        seed=snakemake.params.seed,
        results=Path(snakemake.output.table).parent,
        output=Path(snakemake.output.table),
    )
