# songwise as a container. docs/containers.md has the commands.
#   docker build --tag songwise .                            songwise with the extra s3
#   docker build --target deep --tag songwise:deep .         the same with torch for the CPU, for models=deep
# The versions and their hashes are those of requirements.lock.
ARG PYTHON=docker.io/library/python:3.12-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /opt/songwise
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir uv==0.13.9
COPY pyproject.toml requirements.lock ./
# Only what songwise imports, at the versions and with the hashes of requirements.lock. The libraries' own tests are
# removed within the same layer. Compiled modules are not compared with their sources' time: layers keep whole seconds.
ENV PYC_INVALIDATION_MODE=UNCHECKED_HASH
RUN python3 -m venv .venv \
    && /opt/uv/bin/uv pip install --quiet --no-cache --compile-bytecode --python .venv/bin/python \
       --constraint requirements.lock --requirements pyproject.toml --extra s3 \
    && find .venv/lib -type d -name tests -prune -exec rm -r {} +
COPY . .
RUN mv deploy/entrypoint.sh /usr/local/bin/songwise-entrypoint && rmdir deploy \
    && /opt/uv/bin/uv pip install --quiet --no-cache --python .venv/bin/python --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m compileall -q --invalidation-mode unchecked-hash src

FROM build AS build-deep
RUN /opt/uv/bin/uv pip install --quiet --no-cache --compile-bytecode --python .venv/bin/python \
    --constraint requirements.lock --torch-backend cpu torch==2.13.0 safetensors==0.8.0

FROM ${PYTHON} AS runtime
# DVC needs git, and so does the tag git_commit. git must not refuse a mounted clone that belongs to another user.
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* && git config --system safe.directory '*' \
    && useradd --uid 1000 --create-home songwise && mkdir /project && chown songwise /project
COPY --from=build /usr/local/bin/songwise-entrypoint /usr/local/bin/songwise-entrypoint
# USER, because a user id from outside has no name in the image, and MLflow asks for one.
ENV PATH=/opt/songwise/.venv/bin:$PATH HOME=/home/songwise USER=songwise PYTHONDONTWRITEBYTECODE=1
USER 1000
ENTRYPOINT ["songwise-entrypoint"]
CMD ["snakemake"]

FROM runtime AS deep
COPY --from=build-deep /opt/songwise /opt/songwise
# Compiled functions for this processor. Another one compiles its own at the first run, within a minute.
RUN python -c "from songwise.features.extract import warm_up; warm_up()" && chmod -R a+rwX /home/songwise
WORKDIR /project

FROM runtime AS songwise
COPY --from=build /opt/songwise /opt/songwise
RUN python -c "from songwise.features.extract import warm_up; warm_up()" && chmod -R a+rwX /home/songwise
WORKDIR /project
