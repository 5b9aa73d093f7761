#!/bin/sh
# Fill an empty folder with the workflow and its configuration, then run the command.
set -eu
if [ -z "$(ls -A .)" ]; then
    for name in Snakefile workflow config profiles dvc.yaml .dvc .dvcignore CITATION.cff environment.yml; do
        cp -R "/opt/songwise/$name" .
    done
fi
if [ ! -f Snakefile ]; then
    echo "songwise: $PWD is neither empty nor a songwise project (Snakefile is missing). Mount a clone of songwise, or" \
        "an empty folder: docker run --volume \"\$PWD:/project\" songwise" >&2
    exit 1
fi
exec "$@"
