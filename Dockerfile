# songwise as a container. docs/containers.md has the commands.
#   docker build --tag songwise .                      the default
#   docker build --target s3 --tag songwise:s3 .       with an extra: s3, slurm-free runs need none
# The versions and their hashes are those of requirements.lock.
ARG PYTHON=docker.io/library/python:3.12-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /opt/songwise
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir uv
COPY requirements.lock ./
# What only tests and linters need is removed again, within the same layer.
RUN python3 -m venv .venv \
    && /opt/uv/bin/uv pip install --quiet --no-cache --compile-bytecode --python .venv/bin/python \
       --require-hashes -r requirements.lock \
    && /opt/uv/bin/uv pip uninstall --quiet --python .venv/bin/python \
       import-linter grimp moto numpydoc sphinx babel pytest pytest-xdist ruff snakefmt \
    && .venv/bin/python -m pip uninstall --quiet --yes pip
COPY . .
RUN mv deploy/entrypoint.sh /usr/local/bin/songwise-entrypoint \
    && /opt/uv/bin/uv pip install --quiet --no-cache --compile-bytecode --python .venv/bin/python \
       --no-deps --no-build-isolation --editable . \
    && rm -rf tests benchmarks docs deploy

FROM ${PYTHON} AS songwise
# git: DVC and the tag git_commit need it.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home songwise && mkdir /project && chown songwise /project
COPY --from=build /opt/songwise /opt/songwise
COPY --from=build /usr/local/bin/songwise-entrypoint /usr/local/bin/songwise-entrypoint
ENV PATH=/opt/songwise/.venv/bin:$PATH HOME=/home/songwise PYTHONDONTWRITEBYTECODE=1
USER songwise
# Compiled functions for this machine's processor. Another one compiles its own at the first run, within a minute.
RUN python -c "from songwise.features.extract import warm_up; warm_up()" && chmod -R a+rwX /home/songwise
WORKDIR /project
ENTRYPOINT ["songwise-entrypoint"]
CMD ["snakemake"]
