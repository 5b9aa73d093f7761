#!/bin/sh
# Fill an empty folder with the workflow and its configuration, then run the command.
set -eu
if [ ! -w "${HOME:-/}" ]; then # with --read-only, for example: compiled functions are copied to where they can be used
    HOME=$(mktemp -d)
    export HOME
    cp -R /home/songwise/.cache "$HOME"
fi
if [ ! -w . ]; then
    echo "songwise: user $(id -u) may not write to $PWD. Start the container as the owner of the mounted folder:" \
        "docker run --user \"\$(id -u):\$(id -g)\" --volume \"\$PWD:/project\" songwise" >&2
    exit 1
fi
if [ -z "$(ls -A .)" ]; then
    # Snakefile is the last, so that a folder that was filled only in part is not taken for a project.
    for name in workflow config profiles dvc.yaml .dvc .dvcignore CITATION.cff environment.yml Snakefile; do
        cp -R "/opt/songwise/$name" .
    done
fi
if [ ! -f Snakefile ]; then
    echo "songwise: $PWD is neither empty nor a songwise project (Snakefile is missing). Mount a clone of songwise, or" \
        "an empty folder: docker run --volume \"\$PWD:/project\" songwise" >&2
    exit 1
fi
exec "$@"
