"""BANKING77 on the CPU, all 77 intents: exact match of the tuned SLM, of its base, and of a logistic regression on MiniLM vectors.

    python trainer/bench/bench77.py --data train.csv        (or BANKING77_CSV; needs `make setup` and ci/setup/python.sh --test)

Trains with the agent's own worker on 2,000 questions and asks 500 others through llama.cpp. Writes result77.json and result77.md.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import banking
import floor
import serving

HERE = Path(__file__).resolve().parent
HYPER = json.loads((HERE / "hyper77.json").read_text())
TRAINED_ON, SERVED_FROM = "SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct.Q8_0.gguf"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("BANKING77_CSV"), help="CSV with the columns text and category")
    parser.add_argument("--train", type=int, default=2000)
    parser.add_argument("--unseen", type=int, default=500)
    parser.add_argument("--hyper", type=json.loads, default=HYPER)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the result")
    args = parser.parse_args()
    if not args.data:
        parser.error("name the CSV of BANKING77 with --data or BANKING77_CSV")
    os.environ["AGENT_DEVICE"] = "cpu"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    task = banking.read(Path(args.data), args.train, args.unseen)
    print(f"{len(task.train)} training conversations of {len(task.intents)} intents, {len(task.unseen)} unseen questions", flush=True)

    from understudy_agent import settings

    models = settings.models_dir()
    systems = {"MiniLM vectors + logistic regression": banking.score(task.unseen, floor.answers(models / "all-MiniLM-L6-v2" / "source", task.train, task.unseen))}
    show(systems)
    conversations = [q.messages() for q in task.unseen]
    with serving.served(models / SERVED_FROM) as ask:
        systems["the base, untrained"] = banking.score(task.unseen, ask(conversations))
        show(systems)
        listed = [q.messages(banking.listing(task)) for q in task.unseen]
        systems["the base, with the 77 names in its prompt"] = banking.score(task.unseen, ask(listed))
        show(systems)
    with tempfile.TemporaryDirectory(prefix="bench77-") as work:
        record, seconds = train(Path(work), models, task, args.hyper)
        begun = time.monotonic()
        with serving.served(models / SERVED_FROM, Path(work) / "adapter.gguf") as ask:
            begun = time.monotonic()
            tuned = ask(conversations)
            answering = time.monotonic() - begun
    systems["the tuned SLM"] = banking.score(task.unseen, tuned)
    show(systems)
    result = {
        "data": {"name": "BANKING77", "train": len(task.train), "unseen": len(task.unseen), "intents": len(task.intents)},
        "base": TRAINED_ON,
        "servedFrom": SERVED_FROM,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "when": time.strftime("%Y-%m-%d", time.gmtime()),
        "trainingSeconds": round(seconds, 1),
        "answersPerSecond": round(len(tuned) / answering, 2),
        "systems": systems,
        "record": {k: record[k] for k in ("hyperparameters", "dataset", "steps", "bestStep", "stopReason", "tokens", "tokensPerSecond", "seconds", "device", "curves")},
    }
    result["record"]["curves"] = {name: points[:: max(1, len(points) // 60)] for name, points in record["curves"].items()}
    (args.out / "result77.json").write_text(json.dumps(result, indent=1) + "\n")
    (args.out / "result77.md").write_text(table(result))
    print("\n" + table(result), flush=True)
    return 0


def train(folder: Path, models: Path, task: banking.Task, hyper: dict) -> tuple[dict, float]:
    """(manifest, seconds) of the agent's worker on this task."""
    from understudy_agent import files, worker

    banking.write_dataset(folder / "dataset.jsonl", task.train)
    spec = {
        "jobId": "bench77",
        "base": {"name": "SmolLM2-135M-Instruct", "architecture": "llama", "contextLength": 2048, "train": {"gguf": {"file": TRAINED_ON}}},
        "dataset": {"sha256": files.sha256(folder / "dataset.jsonl"), "pairs": len(task.train)},
        "hyperparameters": hyper,
    }
    files.write_json(folder / "job.json", {"digest": "", "spec": spec, "startedAt": time.time()})

    def say(state, **progress):
        step = progress.get("step", 0)
        if "evalLoss" in progress:
            print(f"  validation: loss {progress['evalLoss']:.4f}, exact {progress['evalExact']:.3f}", flush=True)
        elif step and step % 25 == 0:
            print(f"  step {step}/{progress['steps']}: loss {progress['loss']:.4f}, {progress['tokensPerSecond']:.0f} tokens/s, {progress['etaSeconds']:.0f} s left", flush=True)

    begun = time.monotonic()
    worker.run(folder, models, say)
    return files.read_json(folder / "manifest.json"), time.monotonic() - begun


def show(systems: dict) -> None:
    name, score = list(systems.items())[-1]
    print(f"{name}: {score['right']} of {score['questions']} ({score['exact']:.1%})", flush=True)


def table(result: dict) -> str:
    record = result["record"]
    rows = sorted(result["systems"].items(), key=lambda item: -item[1]["exact"])
    lines = [
        f"BANKING77, {result['data']['intents']} intents, {result['data']['train']} training conversations, {result['data']['unseen']} unseen questions ({result['when']}, {result['machine']})",
        "",
        "| system | exact match |",
        "|---|---|",
        *(f"| {name} | {score['right']} of {score['questions']} ({score['exact']:.1%}) |" for name, score in rows),
        "",
        f"Training: {result['trainingSeconds'] / 60:.1f} minutes on {record['device']}, {record['steps']} steps (best: {record['bestStep']}, ended by: {record['stopReason']}), "
        f"{record['tokensPerSecond']:.0f} tokens/s. Served: llama.cpp on {result['servedFrom']} with the GGUF adapter, {result['answersPerSecond']:.1f} answers/s in {serving.SLOTS} slots.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
