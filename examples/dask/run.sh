#!/bin/bash
# Runs the example in a virtual environment of its own with Dask, on the libraries in build/release/lib.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
environment=${DASK_ENVIRONMENT:-$root/build/dask-environment}
export SINTER_LIBRARY=${SINTER_LIBRARY:-$root/build/release/lib/libsinter.so.1} PYTHONPATH=$root/python
[ -e "$SINTER_LIBRARY" ] || { echo "run.sh: build Sinter first: ninja -C build/release sinter-compiler" >&2; exit 1; }
if [ ! -x "$environment/bin/python" ] || ! "$environment/bin/python" -c 'import distributed' 2>/dev/null; then
  echo "== installing Dask into $environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install -q 'distributed==2024.8.*' 'numpy<3'
fi
exec "$environment/bin/python" "$here/classify_many.py" "$@"
