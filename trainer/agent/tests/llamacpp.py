"""Runs llama.cpp's server in this process: python llamacpp.py MODEL [ADAPTER]; prints its URL and serves until its stdin ends."""

import os
import socket
import sys

import xllamacpp

model, adapter = sys.argv[1], (sys.argv[2:] or [""])[0]
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
params = xllamacpp.CommonParams()
params.model.path = model
params.hostnames = ["127.0.0.1"]
params.port = port
params.n_ctx = 1024
params.n_parallel = 1
params.cpuparams.n_threads = 2
params.warmup = False
params.ui = False
if adapter:
    lora = xllamacpp.CommonAdapterLoraInfo()
    lora.path, lora.scale = adapter, 1.0
    params.lora_adapters = [lora]
out = os.dup(1)
os.dup2(2, 1)
server = xllamacpp.Server(params)
os.write(out, f"http://127.0.0.1:{port}\n".encode())
sys.stdin.read()
os._exit(0)
