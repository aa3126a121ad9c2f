#!/usr/bin/env bash
# ./run.sh            everything up on this machine, until Ctrl-C
# ./run.sh test       the whole check
# ./run.sh NAME …     any command of the service; ./run.sh --help lists them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export ORT_DISABLE_TELEMETRY=1 # before anything can import onnxruntime

fail() {
  echo "run.sh: $*" >&2
  exit 1
}

find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  fail "Python 3.11 or newer is needed; install it, or set PYTHON to its path"
}

make_environment() {
  [[ -x .venv/bin/python ]] && return
  local python
  python=$(find_python)
  "$python" -m venv .venv || fail "$python cannot make virtual environments; on Debian: apt install python3-venv"
}

# Installs a lock file, once for each of its versions.
install() {
  local lock=$1 stamp
  stamp=.venv/.${lock##*/}.$(cksum <"$lock" | tr ' ' -)
  [[ -e $stamp ]] && return
  echo "Installing $lock (once)…" >&2
  if command -v uv >/dev/null; then
    uv pip install -q --python .venv/bin/python --require-hashes -r "$lock"
  else
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
  fi
  touch "$stamp"
}

# LightGBM needs the OpenMP runtime of the system; where there is none, the one that scikit-learn brings serves.
provide_openmp() {
  [[ $(uname -s) == Linux ]] || return 0
  .venv/bin/python -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null && return
  local bundled
  bundled=$(find .venv/lib/python3*/site-packages/scikit_learn.libs -name 'libgomp*' | head -n 1)
  mkdir -p .venv/openmp
  ln -sf "$PWD/$bundled" .venv/openmp/libgomp.so.1
  export LD_LIBRARY_PATH="$PWD/.venv/openmp${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

whole_check() {
  install requirements-dev.txt
  [[ ${CI:-} == true && $EUID == 0 ]] && tests/prepare.sh
  export PATH="$PWD/.venv/bin:$PATH"
  ruff check .
  ruff format --check .
  mypy .
  bandit -q -r . -c pyproject.toml
  lint-imports
  python -m flask --app app audit
  exec pytest -n 2 --dist loadfile "$@"
}

make_environment
install requirements.txt
provide_openmp
case ${1:-} in
  test) whole_check "${@:2}" ;;
  "") exec .venv/bin/python -m flask --app app up ;;
  bench | faults)
    install requirements-dev.txt # they drive and watch servers with what the tests use
    exec .venv/bin/python -m flask --app app "$@"
    ;;
  *) exec .venv/bin/python -m flask --app app "$@" ;;
esac
