"""Parameters of rules as Snakemake records them, without the import of pandas.

Snakemake 9.27 imports pandas at every start to recognise data frames among the parameters: 0.3 s of CPU time. The
parameters of songwise's rules are plain values, which Snakemake records in the same way without pandas.
"""


def record_plain_values() -> None:
    """Let this process record parameters as plain values, if its version of Snakemake is known to be able to."""
    from snakemake import persistence

    base = next((item for item in vars(persistence).values() if hasattr(item, "_serialize_param_builtin")), None)
    if base is not None and hasattr(base, "_serialize_param"):
        base._serialize_param = property(lambda self: self._serialize_param_builtin)
