"""Writes the sentence model that the evaluator serves.

    python export.py MINILM_DIR OUT_DIR

MINILM_DIR holds all-MiniLM-L6-v2 as published: model.safetensors, config.json
and tokenizer.json. OUT_DIR receives model.onnx, tokenizer.json and config.json.

The graph is built node by node instead of being traced: the same bytes come out
whatever version of a tracer is installed, and every operator is one that both
ONNX Runtime and the pure Go backend know. Tokens stay flattened to [batch *
sequence, hidden] so that each weight is one plain matrix product. Mean pooling
and the L2 norm are part of the graph; its one output is the sentence vector.
"""

import hashlib
import json
import math
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

FORMAT = 1  # raise it when the graph changes, so that old files are made anew


class Graph:
    """Collects nodes and weights under readable names."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind, *inputs, **attributes):
        self.count += 1
        out = attributes.pop("out", f"{kind.lower()}_{self.count}")
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=out, **attributes))
        return out


def build(tensors, config):
    """Returns the ONNX model of a BERT encoder with pooled, unit-length output."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    width = hidden // heads
    g = Graph()

    def ints(name, values):
        return g.weight(name, np.array(values, np.int64))

    def tensor(name):
        return tensors[name].astype(np.float32)

    zero, two, one_i = ints("zero", [0]), ints("two", [2]), ints("one_index", [1])
    flat = ints("flat", [-1, hidden])
    one = g.weight("one", np.array(1, np.float32))
    shape = g.op("Shape", "input_ids")
    split_shape = g.op("Concat", shape, ints("heads", [heads, width]), axis=0)
    token_shape = g.op("Concat", shape, ints("hidden", [hidden]), axis=0)
    mask = g.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    hide = g.op("Mul", g.op("Sub", one, mask), g.weight("far_below", np.array(-10000, np.float32)))
    hide = g.op("Unsqueeze", hide, ints("after_batch", [1, 2]))

    def dense(x, name, scale=1.0):
        w = g.weight(name + ".weight", tensor(name + ".weight").T * np.float32(scale))
        b = g.weight(name + ".bias", tensor(name + ".bias") * np.float32(scale))
        return g.op("Add", g.op("MatMul", x, w), b)

    def split(x, perm):
        return g.op("Transpose", g.op("Reshape", x, split_shape), perm=perm)

    def norm(x, name):
        return g.op(
            "LayerNormalization", x, g.weight(name + ".weight", tensor(name + ".weight")),
            g.weight(name + ".bias", tensor(name + ".bias")), axis=-1, epsilon=config["layer_norm_eps"])

    # Every text is one segment, so the table of segment 0 is part of the positions.
    places = tensor("embeddings.position_embeddings.weight") + tensor("embeddings.token_type_embeddings.weight")[0]
    words = g.op("Gather", g.weight("words", tensor("embeddings.word_embeddings.weight")), "input_ids")
    length = g.op("Slice", shape, one_i, two, zero)
    places = g.op("Slice", g.weight("places", places), zero, length, zero)
    x = g.op("Reshape", g.op("Add", words, places), flat)
    x = norm(x, "embeddings.LayerNorm")

    for n in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{n}."
        q = split(dense(x, at + "attention.self.query", 1 / math.sqrt(width)), [0, 2, 1, 3])
        k = split(dense(x, at + "attention.self.key"), [0, 2, 3, 1])
        v = split(dense(x, at + "attention.self.value"), [0, 2, 1, 3])
        weights = g.op("Softmax", g.op("Add", g.op("MatMul", q, k), hide), axis=-1)
        mixed = g.op("Transpose", g.op("MatMul", weights, v), perm=[0, 2, 1, 3])
        mixed = dense(g.op("Reshape", mixed, flat), at + "attention.output.dense")
        x = norm(g.op("Add", mixed, x), at + "attention.output.LayerNorm")
        wide = g.op("Gelu", dense(x, at + "intermediate.dense"))
        x = norm(g.op("Add", dense(wide, at + "output.dense"), x), at + "output.LayerNorm")

    tokens = g.op("Reshape", x, token_shape)
    kept = g.op("Mul", tokens, g.op("Unsqueeze", mask, two))
    total = g.op("ReduceSum", kept, one_i, keepdims=0)
    count = g.op("Max", g.op("ReduceSum", mask, one_i, keepdims=1), one)
    mean = g.op("Div", total, count)
    length = g.op("Sqrt", g.op("ReduceSum", g.op("Mul", mean, mean), one_i, keepdims=1))
    length = g.op("Max", length, g.weight("tiny", np.array(1e-12, np.float32)))
    g.op("Div", mean, length, out="sentence_embedding")

    grid = ["batch", "sequence"]
    graph = helper.make_graph(
        g.nodes, "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info(name, TensorProto.INT64, grid) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", hidden])],
        g.weights)
    model = helper.make_model(graph, producer_name="understudy", opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model


def tokenizer(source):
    """The tokenizer without its truncation (128) and padding: the evaluator cuts at 256 itself."""
    data = json.loads(source.read_text(encoding="utf-8"))
    data["truncation"] = data["padding"] = None
    return json.dumps(data, ensure_ascii=False, sort_keys=False)


def write(path, data):
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def main(source, target):
    wanted = ["model.safetensors", "config.json", "tokenizer.json"]
    missing = [name for name in wanted if not (source / name).is_file()]
    if missing:
        print(f"export: {source} lacks {', '.join(missing)}; give the folder of all-MiniLM-L6-v2", file=sys.stderr)
        return 1
    digest = hashlib.sha256(b"%d" % FORMAT)
    for name in wanted:
        digest.update((source / name).read_bytes())
    stamp, made = target / "export.sha256", ["model.onnx", "tokenizer.json", "config.json"]
    if all((target / name).is_file() for name in made) and stamp.is_file() and stamp.read_text() == digest.hexdigest():
        return 0
    config = json.loads((source / "config.json").read_text())
    target.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    model = build(load_file(source / "model.safetensors"), config)
    write(target / "model.onnx", model.SerializeToString(deterministic=True))
    write(target / "tokenizer.json", tokenizer(source / "tokenizer.json").encode())
    shutil.copyfile(source / "config.json", target / "config.json")
    write(stamp, digest.hexdigest().encode())
    print(f"export: wrote {target}/model.onnx")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: export.py MINILM_DIR OUT_DIR")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
