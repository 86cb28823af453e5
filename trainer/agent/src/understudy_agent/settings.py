"""Environment -> one value, every mistake reported together."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    token: str = field(repr=False)
    dir: Path
    models_dir: Path
    port_file: Path | None
    log_level: str


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
