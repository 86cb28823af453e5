"""Environment -> one value, every mistake reported together."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from .ending import Pod


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    token: str = field(repr=False)
    dir: Path
    models_dir: Path
    port_file: Path | None
    log_level: str
    contact_timeout: float = 0  # seconds; 0: waits for ever
    deadline: float = 0  # Unix seconds; 0: none
    pod: Pod | None = None  # what is ended with the agent


class SettingsError(Exception):
    """What is wrong with the environment, one line for each mistake."""


def read(environ=os.environ) -> Settings:
    mistakes: list[str] = []
    host, port = _address(environ.get("LISTEN_ADDR", "127.0.0.1:8003"), mistakes)
    token = _token(environ, mistakes)
    work = environ.get("AGENT_DIR", "")
    if not work:
        mistakes.append("AGENT_DIR is empty: name the folder in which jobs, checkpoints and artefacts are kept")
    level = environ.get("LOG_LEVEL", "info").lower()
    if level not in ("debug", "info", "warn", "error"):
        mistakes.append(f"LOG_LEVEL {level!r} is none of debug, info, warn, error")
    port_file = environ.get("AGENT_PORT_FILE", "")
    contact_timeout, deadline = _number(environ, "AGENT_CONTACT_TIMEOUT", mistakes), _number(environ, "AGENT_DEADLINE", mistakes)
    pod = _pod(environ, mistakes)
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Settings(
        host=host,
        port=port,
        token=token,
        dir=Path(work).absolute(),
        models_dir=models_dir(environ),
        port_file=Path(port_file).absolute() if port_file else None,
        log_level=level,
        contact_timeout=contact_timeout,
        deadline=deadline,
        pod=pod,
    )


def models_dir(environ=os.environ) -> Path:
    """MODELS_DIR, else the folder understudy/models in the user's cache directory."""
    if named := environ.get("MODELS_DIR", ""):
        return Path(named).absolute()
    cache = environ.get("XDG_CACHE_HOME", "") or os.path.expanduser("~/.cache")
    return Path(cache).absolute() / "understudy" / "models"


def _address(text: str, mistakes: list[str]) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        mistakes.append(f"LISTEN_ADDR {text!r} is not host:port, for example 127.0.0.1:8003")
        return "", 0
    return host.strip("[]") or "0.0.0.0", int(port)


def _number(environ, name: str, mistakes: list[str]) -> float:
    text = environ.get(name, "").strip() or "0"
    try:
        value = float(text)
        if not 0 <= value < float("inf"):
            raise ValueError
    except ValueError:
        mistakes.append(f"{name} {text!r} is not a number of seconds")
        return 0
    return value


def _pod(environ, mistakes: list[str]) -> Pod | None:
    """AGENT_TERMINATE_URL and what RunPod itself puts into a pod's environment."""
    url = environ.get("AGENT_TERMINATE_URL", "").strip().rstrip("/")
    if not url:
        return None
    if not url.startswith(("https://", "http://")):
        mistakes.append(f"AGENT_TERMINATE_URL {url!r} is no http address")
    name, key = environ.get("RUNPOD_POD_ID", ""), environ.get("RUNPOD_API_KEY", "")
    if not name or not key:
        mistakes.append("AGENT_TERMINATE_URL is set, but RUNPOD_POD_ID or RUNPOD_API_KEY is not: RunPod sets both in its pods")
    return Pod(url, name, key)


def _token(environ, mistakes: list[str]) -> str:
    if path := environ.get("AGENT_TOKEN_FILE", ""):
        try:
            token = Path(path).read_text().strip()
        except OSError as err:
            mistakes.append(f"AGENT_TOKEN_FILE cannot be read: {err}")
            return ""
    else:
        token = environ.get("AGENT_TOKEN", "").strip()
    if not token:
        mistakes.append("AGENT_TOKEN is empty: set the token that the trainer sends (or AGENT_TOKEN_FILE)")
    return token
