#!/bin/bash
# Serves the digits with NVIDIA's Triton Inference Server, on the processor, and checks its answers. The server comes from the wheel nvidia-pytriton; in
# Triton's container the same model folder is given to tritonserver. Of Sinter it has libsinter-runtime and the Python package: no compiler.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
environment=${SERVING_ENVIRONMENT:-$root/build/serving-environment}
port=${SERVING_PORT:-8123}
export SINTER_LIBRARY=${SINTER_LIBRARY:-$root/build/release/lib/libsinter-runtime.so.1}
[ -e "$SINTER_LIBRARY" ] || { echo "run.sh: build Sinter first: ninja -C build/release sinter sinter-runtime" >&2; exit 1; }
if ! "$environment/bin/python" -c 'import pytriton' 2>/dev/null; then
  echo "== installing Triton into $environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install -q 'nvidia-pytriton==0.7.*'
fi
server=$(echo "$environment"/lib/python3*/site-packages/pytriton/tritonserver)
python=$("$environment/bin/python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')
work=$(mktemp -d)
trap 'kill "$triton" 2>/dev/null && wait "$triton" 2>/dev/null; rm -rf "$work"' EXIT

cp -r "$here/models" "$work/models"
"$root/build/release/bin/sinter" compile "$root/examples/digits/digits.onnx" -o "$work/models/digits/1/digits.so" --backend llvm \
  --shapes image=1x1x8x8 --shapes image=2x1x8x8 --shapes image=4x1x8x8 --shapes image=8x1x8x8
# The stub is the process that runs model.py: that of this Python, in the environment that has numpy.
cp -r "$server/backends" "$work/backends"
cp "$server/python_backend_stubs/$python/triton_python_backend_stub" "$work/backends/python/"
PYTHONPATH=$root/python:$(echo "$environment"/lib/python3*/site-packages)
export PYTHONPATH
library=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
libraries=$(echo "$environment"/lib/python3*/site-packages/nvidia_pytriton.libs)
export LD_LIBRARY_PATH=$library:$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
"$server/bin/tritonserver" --model-repository "$work/models" --backend-directory "$work/backends" --http-port "$port" --allow-grpc false \
  --allow-metrics false >"$work/log" 2>&1 &
triton=$!
"$environment/bin/python" "$here/check.py" "http://localhost:$port" || { grep -E "^E|rror" "$work/log" >&2; exit 1; }
