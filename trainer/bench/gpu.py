"""The agent's own training on this machine's GPU: BANKING77, tokens/s, loss curve, peak memory, exact match on unseen questions.

    PYTHONPATH=trainer/agent/src python trainer/bench/gpu.py [--base FILE.gguf|FOLDER] --data train.csv [--sweep FILE.json] [--compare 10]

Needs torch, transformers, safetensors, numpy and, for a GGUF base, the package gguf. Without a GPU it says so and exits 0,
unless --device cpu forces it through the CPU.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import banking
import torch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", type=Path, help="GGUF file, or a folder of config.json, safetensors and tokenizer; without it the one that `make setup` fetches")
    parser.add_argument("--architecture", default="llama")
    parser.add_argument("--data", type=Path, default=os.environ.get("BANKING77_CSV"), help="CSV with the columns text and category (or BANKING77_CSV)")
    parser.add_argument("--train", type=int, default=2000)
    parser.add_argument("--unseen", type=int, default=500)
    parser.add_argument("--hyper", type=json.loads, default={"epochs": 4}, help="JSON object")
    parser.add_argument("--sweep", type=Path, help='JSON file: [{"name": ..., "hyperparameters": {...}}, ...]')
    parser.add_argument("--jobs", type=int, default=1, help="settings of a sweep at once after the first, which runs alone for its timing")
    parser.add_argument("--seconds", type=float, default=0, help="begin no further setting of a sweep after so many")
    parser.add_argument("--compare", type=int, default=0, help="first steps on CPU and GPU in float32, side by side")
    parser.add_argument("--checks", action="store_true", help="memory saved and out, a killed training that goes on: the same losses")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--work", type=Path, help="keep the artefacts in this folder")
    parser.add_argument("--out", type=Path, help="write the numbers to this JSON file")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        print("bench-gpu: no GPU here (torch.cuda.is_available() is false): nothing was measured")
        return 0
    if not args.data:
        parser.error("name the CSV of BANKING77 with --data or BANKING77_CSV")
    if not args.base:
        from understudy_agent import settings

        args.base = settings.models_dir() / "SmolLM2-135M-Instruct.Q4_1.gguf"
    logging.basicConfig(level="INFO", stream=sys.stderr, format="%(message)s")
    os.environ["AGENT_DEVICE"] = args.device
    begun = time.monotonic()
    work = args.work or Path(tempfile.mkdtemp(prefix="bench-gpu-"))
    bench = Bench(args, work)
    result = {"device": bench.device_name, "torch": torch.__version__, "base": args.base.name, "train": args.train, "unseen": args.unseen}

    def keep(key, value):  # what is measured is written at once: a run that is cut off loses nothing
        result[key] = value
        result["secondsInAll"] = round(time.monotonic() - begun, 1)
        if args.out:
            args.out.write_text(json.dumps(result, indent=1) + "\n")

    if args.compare:
        keep("compare", bench.compare(args.compare))
    if args.checks:
        keep("checks", bench.checks())
    settings = json.loads(args.sweep.read_text()) if args.sweep else [{"name": "default", "hyperparameters": args.hyper}]
    runs = []
    alone, others = (settings[:1], settings[1:]) if args.jobs > 1 else (settings, [])
    for setting in alone:
        if args.seconds and time.monotonic() - begun > args.seconds:
            print(f"{setting['name']}: left out, {args.seconds:.0f} s are over", flush=True)
            continue
        try:
            runs.append({"name": setting["name"], **bench.run(setting["name"], setting["hyperparameters"])})
        except Exception as err:  # the other settings are still worth their time
            logging.exception("setting %s failed", setting["name"])
            runs.append({"name": setting["name"], "error": str(err)})
        keep("runs", runs)
    if others:
        for found in side_by_side(args, work, others, args.seconds - (time.monotonic() - begun) if args.seconds else 0):
            runs += found
            keep("runs", runs)
    print(f"\n{'setting':<24}{'exact':>8}{'train s':>9}{'tok/s':>9}{'steps':>7}{'best':>7}{'GiB':>7}")
    for run in sorted(runs, key=lambda run: -run.get("exact", 0)):
        if "error" in run:
            print(f"{run['name']:<24} failed: {run['error'][:80]}")
        else:
            print(f"{run['name']:<24}{run['exact']:>8.3f}{run['seconds']:>9.1f}{run['tokensPerSecond']:>9.0f}{run['steps']:>7}{run['bestStep']:>7}{run['peakGiB']:>7.2f}")
    keep("runs", runs)
    if not args.work:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if any("error" in run for run in runs) else 0


def side_by_side(args, work: Path, settings: list[dict], seconds: float):
    """Runs of the settings, dealt out to processes that share the GPU: one tiny model alone leaves most of it idle."""
    children = []
    for i in range(min(args.jobs, len(settings))):
        (work / f"sweep-{i}.json").write_text(json.dumps(settings[i :: args.jobs]))
        command = [sys.executable, __file__, "--base", args.base, "--architecture", args.architecture, "--data", args.data, "--train", args.train, "--unseen", args.unseen,
                   "--sweep", work / f"sweep-{i}.json", "--seconds", seconds, "--device", args.device, "--work", work, "--out", work / f"part-{i}.json"]  # fmt: skip
        children.append(subprocess.Popen(list(map(str, command))))
    for i, child in enumerate(children):
        child.wait()
        part = work / f"part-{i}.json"
        yield json.loads(part.read_text()).get("runs", []) if part.exists() else []


class Bench:
    def __init__(self, args, work: Path):
        from transformers import AutoConfig, AutoTokenizer

        from understudy_agent import device, prepare
        from understudy_agent.render import Renderer

        self.args, self.work = args, work
        self.models = work / "models"
        self.models.mkdir(parents=True, exist_ok=True)
        self.device = device.choose()
        self.device_name = device.name(self.device)
        print(f"device: {self.device_name}, torch {torch.__version__}", flush=True)
        begun = time.monotonic()
        if args.base.is_dir():
            self.train_source = {"hf": str(args.base.resolve())}
            self.source = args.base
        else:
            link = self.models / args.base.name
            if not link.exists():
                link.symlink_to(args.base.resolve())
            self.train_source = {"gguf": {"file": args.base.name}}
            self.source, _ = prepare.prepared(link, self.models)
        self.task = banking.read(args.data, args.train, args.unseen)
        self.config = AutoConfig.from_pretrained(self.source)
        self.renderer = Renderer(AutoTokenizer.from_pretrained(self.source))
        print(f"prepared: {time.monotonic() - begun:.1f} s, {len(self.task.train)} conversations of {len(self.task.intents)} intents", flush=True)

    def folder(self, name: str, hyper: dict) -> Path:
        """A job's folder as the agent makes it."""
        from understudy_agent import files

        folder = self.work / "jobs" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        banking.write_dataset(folder / "dataset.jsonl", self.task.train)
        spec = {
            "jobId": name,
            "base": {"name": self.args.base.name, "architecture": self.args.architecture, "train": self.train_source},
            "dataset": {"sha256": files.sha256(folder / "dataset.jsonl"), "pairs": len(self.task.train)},
            "hyperparameters": {"seed": 1, **hyper},
        }
        files.write_json(folder / "job.json", {"digest": "", "spec": spec, "startedAt": time.time()})
        return folder

    def run(self, name: str, hyper: dict) -> dict:
        """Trains as the agent's worker does, then answers the unseen questions with the adapter that was written."""
        from understudy_agent import files, worker

        folder = self.folder(name, hyper)
        print(f"\n{name}: {json.dumps(hyper)}", flush=True)
        shown = 0

        def say(state, **progress):
            nonlocal shown
            if "evalLoss" in progress:
                print(f"  validation: loss {progress['evalLoss']:.4f}, exact {progress['evalExact']:.3f}", flush=True)
            if (step := progress.get("step", 0)) and (step == progress["steps"] or step - shown >= max(1, progress["steps"] // 10)):
                shown = step
                print(f"  step {step}/{progress['steps']} loss {progress['loss']:.4f} {progress['tokensPerSecond']:.0f} tokens/s, gpu {progress.get('gpu', '-')}", flush=True)

        begun = time.monotonic()
        worker.run(folder, self.models, say)
        whole = time.monotonic() - begun
        peak = torch.cuda.max_memory_allocated() / 2**30 if self.device.type == "cuda" else 0.0
        record = files.read_json(folder / "manifest.json")
        begun = time.monotonic()
        model = self.tuned(folder, record["hyperparameters"])
        questions = self.task.unseen
        answers = self.generate(model, [self.renderer.ids(self.renderer.prompt(q.messages())) for q in questions])
        scored = banking.score(questions, answers)
        answering = time.monotonic() - begun
        forced = self.forced(model)
        print(f"  exact {scored['right']} of {scored['questions']} ({scored['exact']:.3f}; by forced tokens {forced:.3f}), trained in {record['seconds']} s, "
              f"{record['tokensPerSecond']} tokens/s, peak {peak:.2f} GiB; with loading {whole:.1f} s, answers {answering:.1f} s", flush=True)  # fmt: skip
        return {
            **scored, "exactByForcedTokens": round(forced, 4), "seconds": record["seconds"], "secondsWithLoading": round(whole, 1), "answerSeconds": round(answering, 1),
            "tokensPerSecond": record["tokensPerSecond"], "steps": record["steps"], "bestStep": record["bestStep"], "stopReason": record["stopReason"],
            "peakGiB": round(peak, 3), "hyperparameters": record["hyperparameters"], "curves": thinned(record["curves"]),
        }  # fmt: skip

    def tuned(self, folder: Path, hyper: dict):
        """transformers' model with the adapter out of adapter.safetensors."""
        from safetensors.torch import load_file

        from understudy_agent import models
        from understudy_agent.general import General

        model = General(models.general(self.source, self.device), hyper["loraRank"], hyper["loraAlpha"], tuple(hyper["targetModules"]), hyper["layers"], 1)
        model.put(load_file(folder / "adapter.safetensors"))
        return model

    @torch.no_grad()
    def generate(self, model, prompts: list[tuple[int, ...]], most: int = 24, rows: int = 125) -> list[str]:
        """Greedy answers, many at once."""
        tokenizer = self.renderer._tokenizer
        stop = tokenizer.convert_tokens_to_ids(self.renderer.stop_tokens[0])
        answers = [""] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for start in range(0, len(order), rows):
            chosen = order[start : start + rows]
            width = max(len(prompts[i]) for i in chosen)
            ids = torch.tensor([(stop,) * (width - len(prompts[i])) + prompts[i] for i in chosen], device=self.device)
            mask = torch.tensor([[0] * (width - len(prompts[i])) + [1] * len(prompts[i]) for i in chosen], device=self.device)
            said = model.model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=most, do_sample=False, use_cache=True, eos_token_id=stop, pad_token_id=stop)
            for i, row in zip(chosen, said[:, width:].tolist()):
                answers[i] = tokenizer.decode(row[: row.index(stop)] if stop in row else row)
        return answers

    def forced(self, model) -> float:
        from understudy_agent import train
        from understudy_agent.crew import Crew
        from understudy_agent.memory import Budget

        examples = [self.renderer.example({"messages": [*q.messages(), {"role": "assistant", "content": q.answer}]}) for q in self.task.unseen]
        return train.evaluate(model, examples, Crew(8, parallel=False), Budget(model, examples[:1], 1))[1]

    def compare(self, steps: int) -> dict:
        """Losses of the same first steps: the CPU's own path, and transformers on the GPU in float32 and as trained."""
        from understudy_agent import dataset, models, train
        from understudy_agent.hyper import Hyper

        asked = Hyper.read({"maxSteps": steps, "batchSize": 8, "seed": 1, "learningRate": 1e-3, "warmupSteps": 1})
        folder = self.folder("compare", {})
        examples = dataset.read(folder / "dataset.jsonl", self.renderer, 1024).examples
        hyper = asked.effective(len(examples), self.config.num_hidden_layers, 1024)
        ways = {"cpu float32": (torch.device("cpu"), torch.float32), f"{self.device.type} float32": (self.device, torch.float32)}
        if self.device.type == "cuda":
            ways["cuda bfloat16"] = (self.device, torch.bfloat16)
        else:  # without a GPU: the general path on the CPU, so that the script's every line is run
            ways["general float32"] = None
        losses = {}
        for name, way in ways.items():
            (folder / "checkpoint.pt").unlink(missing_ok=True)
            adapters = (hyper.loraRank, hyper.loraAlpha, hyper.targetModules, hyper.layers, hyper.seed)
            if way is None:
                from understudy_agent.general import General

                model = General(models.general(self.source, self.device, torch.float32), *adapters)
            else:
                model = models.load(self.source, self.config, hyper, *way)
            begun = time.monotonic()
            outcome = train.train(model, examples, [], hyper, folder, 0, lambda progress: None)
            losses[name] = [round(loss, 6) for _, loss in outcome.curve.losses]
            print(f"compare, {name:<16} ({time.monotonic() - begun:5.1f} s): {' '.join(f'{loss:.4f}' for loss in losses[name])}", flush=True)
        first, *others = losses.values()
        apart = {name: max(abs(a - b) / max(a, 1e-9) for a, b in zip(first, other)) for name, other in zip(list(losses)[1:], others)}
        print("compare, largest relative difference to the CPU's path: " + ", ".join(f"{name} {value:.2e}" for name, value in apart.items()), flush=True)
        return {"losses": losses, "largestRelativeDifference": apart}


    def checks(self) -> dict:
        """Trains the same few steps in ways that must not matter; the largest relative difference of a loss for each."""
        from understudy_agent import checkpoint, dataset, models, train
        from understudy_agent.general import General
        from understudy_agent.hyper import Hyper

        folder = self.folder("checks", {})
        examples = dataset.read(folder / "dataset.jsonl", self.renderer, 1024).examples
        hyper = Hyper.read({"maxSteps": 8, "batchSize": 32, "seed": 1, "learningRate": 1e-3}).effective(len(examples), self.config.num_hidden_layers, 1024)
        where = folder / "checkpoint.pt"
        tokens = []

        def losses(prepare=lambda model: None, report=lambda progress: None):
            model = General(models.general(self.source, self.device, torch.float32), hyper.loraRank, hyper.loraAlpha, hyper.targetModules, hyper.layers, 1)
            prepare(model)
            if self.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            found = [loss for _, loss in train.train(model, examples, [], hyper, folder, 0, report).curve.losses]
            where.unlink(missing_ok=True)
            return found

        plain = losses()
        found = {}
        compared = lambda name, other: found.update({name: max(abs(a - b) / a for a, b in zip(plain, other, strict=True))})
        compared("saving memory", losses(lambda model: model.save_memory()))

        class Stop(Exception):
            pass

        def kill(progress):
            if progress.get("step") == 5:
                raise Stop

        train.CHECKPOINT_SECONDS, kept = -1.0, train.CHECKPOINT_SECONDS
        try:
            losses(report=kill)
        except Stop:
            pass
        assert checkpoint.load(where, hyper.wire()).step == 4, "the checkpoint of step 4 is missing"
        train.CHECKPOINT_SECONDS = kept
        compared("killed at step 5, gone on", losses())
        if self.device.type == "cuda":
            # Pretends that far too much fits, and lets the card have little: the way out is the one of a real out-of-memory.
            total = torch.cuda.get_device_properties(self.device).total_memory

            def squeeze(model):
                torch.cuda.empty_cache()
                room = torch.cuda.memory_allocated() + (1 << 30)
                torch.cuda.set_per_process_memory_fraction(min(1.0, room / total))

            from understudy_agent import memory

            measured = memory.Budget._measured
            memory.Budget._measured = lambda budget, longest: 1 << 20
            shrink = memory.Budget.shrink
            memory.Budget.shrink = lambda budget, part: (tokens.append(budget.tokens), shrink(budget, part))
            try:
                compared("out of memory", losses(squeeze))
            finally:
                memory.Budget._measured, memory.Budget.shrink = measured, shrink
                torch.cuda.set_per_process_memory_fraction(1.0)
            print(f"checks: out of memory {len(tokens)} times", flush=True)
        print("checks, largest relative difference: " + ", ".join(f"{name} {value:.1e}" for name, value in found.items()), flush=True)
        return {"largestRelativeDifference": found, "outOfMemory": len(tokens)}


def thinned(curves: dict, most: int = 60) -> dict:
    return {name: [point for i, point in enumerate(points) if i % max(1, len(points) // most) == 0 or i == len(points) - 1] for name, points in curves.items()}


if __name__ == "__main__":
    sys.exit(main())
