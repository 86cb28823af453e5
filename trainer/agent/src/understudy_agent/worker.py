"""python -m understudy_agent.worker JOBFOLDER: one training, from job.json and dataset.jsonl to the artefacts.

Says where it is in JSON lines on stdout. Ends at once when its stdin ends: then the agent is gone.
"""

import ctypes
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path

from . import base, files, parent, prepare, settings
from .errors import TrainingError
from .hyper import Hyper

# Room for the interpreter and the libraries to die between two workers of one folder.
LOCK_SECONDS = 20
# Seconds that the artefacts get to be fetched before the agent ends itself.
FETCHING = 120


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the agent says when
    os.nice(5)  # the machine also serves: answers before lessons
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever libraries print is no message
    parent.die_with(0)

    def say(message: dict) -> None:
        out.write(json.dumps(message) + "\n")

    folder = Path(sys.argv[1])
    with open(folder / "lock", "w") as lock:
        _own(lock)
        try:
            early = run(folder, settings.models_dir(), lambda state, **progress: say({"state": state, "progress": {"stage": state, **progress}}))
        except TrainingError as err:
            say({"end": "failed", "error": str(err)})
            return 1
        except MemoryError:
            say({"end": "failed", "error": "out of memory: choose a smaller batchSize or maxSequenceTokens"})
            return 1
        except OSError as err:
            say({"end": "failed", "error": f"{err.strerror or err} ({err.filename or folder}): see the space and permissions of the agent's folder"})
            return 1
        say({"end": "done", "stoppedEarly": early})
    return 0


def run(folder: Path, models_dir: Path, say) -> bool:
    """Makes the artefacts in folder; True when the deadline cut the training short."""
    say("loading")
    asked = files.read_json(folder / "job.json")
    spec = asked["spec"]
    source, digest = prepare.prepared(base.locate(spec["base"], models_dir), models_dir)

    _keep_memory()
    # Late, since they take seconds to load: a base that is not there is told at once.
    from transformers import AutoConfig, AutoTokenizer

    from . import convert, dataset, device, manifest, models
    from .render import Renderer
    from .train import train

    where = device.choose()
    config = AutoConfig.from_pretrained(source)
    text = getattr(config, "text_config", None) or config
    renderer = Renderer(AutoTokenizer.from_pretrained(source))
    wanted = Hyper.read(spec.get("hyperparameters") or {})
    context = min(spec["base"].get("contextLength") or text.max_position_embeddings, text.max_position_embeddings)
    data = dataset.read(folder / "dataset.jsonl", renderer, min(wanted.maxSequenceTokens or context, context))
    train_set, validation = data.parts(wanted)
    hyper = wanted.effective(len(train_set), text.num_hidden_layers, context)
    model = models.load(source, text, hyper, where)
    watch = device.Watch(where)
    say("training", steps=hyper.maxSteps, **watch.sample())
    outcome = train(model, train_set, validation, hyper, folder, _deadline(asked), lambda progress: say("training", **progress, **watch.sample()))
    watch.close()

    say("converting", etaSeconds=0)
    tensors = {key: (a.numpy(), b.numpy()) for key, (a, b) in model.tensors().items()}
    part = {name: folder / f"{name}.tmp" for name in ("adapter.gguf", "adapter.safetensors")}
    peft = _peft(spec, hyper, text.num_hidden_layers)
    convert.write_safetensors(part["adapter.safetensors"], tensors, peft)
    convert.adapter(part["adapter.gguf"], part["adapter.safetensors"], tensors, text, peft, source)
    for name, path in part.items():
        path.replace(folder / name)
    record = manifest.build(spec, digest, renderer, hyper, data, outcome, device.name(where), [folder / name for name in part])
    files.write_json(folder / "manifest.json", record)
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    return outcome.stopped_early


def _deadline(asked: dict) -> float:
    """When training must end, Unix seconds, 0 for never: the job's own time, and the agent's, less what fetching the artefacts needs."""
    limits = []
    if allowed := asked["spec"].get("deadlineSeconds"):
        limits.append(asked["startedAt"] + allowed)
    if ends := float(os.environ.get("AGENT_DEADLINE") or 0):
        limits.append(ends - FETCHING)
    return min(limits, default=0)


def _peft(spec: dict, hyper: Hyper, layers: int) -> dict:
    """What PEFT wants to know of an adapter."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": spec["base"]["train"].get("hf") or spec["base"]["name"],
        "r": hyper.loraRank,
        "lora_alpha": hyper.loraAlpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(hyper.targetModules),
        "layers_to_transform": list(range(layers - hyper.layers, layers)),
    }


def _keep_memory() -> None:
    """Lets glibc keep freed memory: every step wants the same again, and getting it from the kernel costs a tenth of the time."""
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # another C library
        return
    trim, top_pad, mmap_threshold, arena_max = -1, -2, -3, -8
    libc.mallopt(arena_max, 1)
    libc.mallopt(trim, 2**31 - 1)
    libc.mallopt(top_pad, 64 << 20)
    libc.mallopt(mmap_threshold, 2**30)


def _own(lock) -> None:
    """A worker of a killed agent may still be ending."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TrainingError("another process trains this job in the same folder: give every agent an AGENT_DIR of its own") from None
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
