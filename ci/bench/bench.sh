#!/usr/bin/env bash
# Every benchmark, one after another; each prints ratios measured side by side.
set -euo pipefail
cd "$(dirname "$0")/../.."
echo "== the gateway against a bare reverse proxy"
(cd backend && go run ./internal/gateway/bench)
echo "== the SLM through inference against llama.cpp alone"
(cd inference && go run ./bench)
echo "== the evaluator on ONNX Runtime against raw ONNX Runtime and sentence-transformers"
if command -v cargo >/dev/null && command -v gcc >/dev/null; then
  make native
  ci/setup/python.sh --test
  (cd evaluator && go run ./bench)
else
  echo "skipped: it needs gcc and cargo (see make native)"
fi
