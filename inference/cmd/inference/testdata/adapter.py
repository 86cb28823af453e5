"""Writes a LoRA adapter of random numbers for a Llama-like base: adapter.py BASE OUT.

Large enough that answers with and without it differ.
"""

import sys

import gguf
import numpy

base, out = sys.argv[1:]
random = numpy.random.default_rng(1)
writer = gguf.GGUFWriter(out, "llama")
writer.add_type(gguf.GGUFType.ADAPTER)
writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 8.0)
for tensor in gguf.GGUFReader(base).tensors:
    if tensor.name.endswith("ffn_down.weight"):
        columns, rows = (int(n) for n in tensor.shape)
        writer.add_tensor(tensor.name + ".lora_a", random.normal(0, 0.2, (8, columns)).astype(numpy.float32))
        writer.add_tensor(tensor.name + ".lora_b", random.normal(0, 0.2, (rows, 8)).astype(numpy.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
