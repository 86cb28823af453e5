"""Compares the evaluator with what it is built on, side by side in one run.

    python bench.py EVALUATOR LIBRARY_DIR MODEL_DIR MINILM_DIR

EVALUATOR is bin/understudy-evaluator-ort, LIBRARY_DIR the folder of
libonnxruntime.so, MODEL_DIR the exported model, MINILM_DIR the published one.
Every contender embeds the same 2,000 distinct texts. They take turns of 200
texts, in changing order, so that a slow moment of the machine meets them all.
The evaluator is asked over HTTP, 100 texts a request, two requests at a time;
each contender sorts what it has at hand by length and uses batches of 32.
"""

import concurrent.futures
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

COUNT, TURN, BATCH, CORES = 2000, 200, 32, len(os.sched_getaffinity(0))
OPENINGS = ["Hello,", "Hi there!", "Good morning,", "Excuse me,", "Urgent:", "", "Please help.", "Dear team,"]
SUBJECTS = ["my parcel", "the blue jacket", "order {n}", "my refund", "the invoice for {n}", "a pair of shoes", "the gift card", "my account"]
EVENTS = ["has not arrived", "came broken", "was charged twice", "is the wrong size", "shows as delivered but is not here", "cannot be cancelled", "never got a confirmation", "is missing a part"]
WISHES = ["can you check?", "I want my money back.", "please send a new one to my other address", "what do I do now?", "I need it before Friday", "how do I send it back?", "tell me when it comes, thanks"]


def texts():
    """2,000 distinct messages of 8 to 35 word pieces."""
    r, out = random.Random(1), {}
    while len(out) < COUNT:
        parts = [r.choice(OPENINGS), r.choice(SUBJECTS).format(n=r.randrange(1000, 9999)), r.choice(EVENTS) + ",", r.choice(WISHES)]
        if r.random() < 0.3:
            parts += [r.choice(SUBJECTS).format(n=r.randrange(1000, 9999)), r.choice(EVENTS)]
        out[" ".join(p for p in parts if p)] = None
    return list(out)


class Raw:
    """ONNX Runtime, asked directly: what there is to reach."""

    def __init__(self, model_dir):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = CORES, 1
        self.session = onnxruntime.InferenceSession(model_dir / "model.onnx", options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def __call__(self, part):
        order = sorted(range(len(part)), key=lambda i: len(part[i]))
        out = np.empty((len(part), 384), np.float32)
        for at in range(0, len(part), BATCH):
            rows = order[at:at + BATCH]
            encoded = self.tokenizer.encode_batch([part[i] for i in rows])
            out[rows] = self.session.run(None, {
                "input_ids": np.array([e.ids for e in encoded], np.int64),
                "attention_mask": np.array([e.attention_mask for e in encoded], np.int64)})[0]
        return out


class Sentences:
    """sentence-transformers, as its documentation says."""

    def __init__(self, minilm_dir):
        import torch
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(CORES)
        self.model = SentenceTransformer(str(minilm_dir), device="cpu")

    def __call__(self, part):
        return self.model.encode(part, batch_size=BATCH, show_progress_bar=False)


class Evaluator:
    """The evaluator as a client meets it. The client's own parsing is not timed."""

    def __init__(self, program, library_dir, model_dir):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{s.getsockname()[1]}"
        self.url = f"http://{address}"
        self.process = subprocess.Popen([program], stderr=subprocess.PIPE, text=True, env={
            **os.environ, "LISTEN_ADDR": address, "MODEL_DIR": str(model_dir), "ONNXRUNTIME_DIR": library_dir,
            "UNDERSTUDY_SERVICE_TOKEN": "bench"})
        for line in self.process.stderr:
            if "msg=ready" in line:
                break
        else:
            sys.exit(f"bench: {program} ended before it was ready")
        self.pool = concurrent.futures.ThreadPoolExecutor(2)

    def post(self, part):
        request = urllib.request.Request(self.url + "/v1/embed", json.dumps({"texts": part}).encode(), {
            "Authorization": "Bearer bench", "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            return response.read()

    def __call__(self, part):
        return list(self.pool.map(self.post, [part[i:i + 100] for i in range(0, len(part), 100)]))

    @staticmethod
    def vectors(answers):
        return np.array([v for a in answers for v in json.loads(a)["embeddings"]], np.float32)


def main(program, library_dir, model_dir, minilm_dir):
    evaluator = Evaluator(program, library_dir, model_dir)
    try:
        contenders = {"evaluator over HTTP": evaluator, "raw ONNX Runtime": Raw(model_dir), "sentence-transformers": Sentences(minilm_dir)}
        warm = [f"warm up {'word ' * (n % 40)}{n}" for n in range(200)]
        for embed in contenders.values():
            embed(warm)
        seconds, everything = {name: [] for name in contenders}, texts()
        for turn, at in enumerate(range(0, COUNT, TURN)):
            part, vectors = everything[at:at + TURN], {}
            names = list(contenders)
            for name in names[turn % 3:] + names[:turn % 3]:
                began = time.perf_counter()
                vectors[name] = contenders[name](part)
                seconds[name].append(time.perf_counter() - began)
            vectors["evaluator over HTTP"] = evaluator.vectors(vectors["evaluator over HTTP"])
            for name in names:
                if np.abs(vectors[name] - vectors["raw ONNX Runtime"]).max() > 1e-3:
                    sys.exit(f"bench: the vectors of {name} differ by more than 0.001")
        ours = seconds["evaluator over HTTP"]
        for name, spent in seconds.items():
            ratios = sorted(s / o for s, o in zip(spent, ours, strict=True))
            print(f"{name:24}{COUNT / sum(spent):8.0f} texts/s   evaluator / this: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        busy = os.getloadavg()[0]
        if busy > 1.5 * CORES:
            print(f"The machine is busy with other work (load {busy:.0f} on {CORES} cores): these ratios say little.")
    finally:
        evaluator.process.terminate()
        evaluator.process.wait()
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: bench.py EVALUATOR LIBRARY_DIR MODEL_DIR MINILM_DIR")
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
