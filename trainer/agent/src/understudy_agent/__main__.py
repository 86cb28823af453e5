"""python -m understudy_agent: listens until SIGTERM, Ctrl-C, or the end of its parent.

python -m understudy_agent prepare FILE.gguf: makes the form that training reads, once for each base.
"""

import logging
import os
import signal
import sys
import threading

from . import files, parent, settings
from .ending import Ending
from .server import serve
from .supervise import Trainer


def main(args: list[str] | None = None) -> int:
    args = sys.argv[1:] if args is None else args
    if args[:1] == ["prepare"] and len(args) == 2:
        from .prepare import command

        return command(args[1])
    if args:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        config = settings.read()
    except settings.SettingsError as err:
        print(err, file=sys.stderr)
        return 2
    level = {"warn": "warning"}.get(config.log_level, config.log_level).upper()
    logging.basicConfig(level=level, stream=sys.stderr, format="time=%(asctime)s level=%(levelname)s service=agent msg=%(message)s")
    trainer = Trainer(config.dir, config.models_dir)
    parent.die_with_parent(before=trainer.close)

    def end(why: str) -> None:
        logging.getLogger("understudy_agent").warning("ending: %s", why)
        trainer.close()
        if config.pod:
            config.pod.terminate()
        os._exit(0)  # RunPod starts the container again if the pod is still there; the same times end it again

    ending = Ending(config.contact_timeout, config.deadline, end)
    try:
        server = serve(config.host, config.port, config.token, trainer, ending.touch)
    except OSError as err:
        print(f"cannot listen on {config.host}:{config.port}: {err}: set LISTEN_ADDR to a free port", file=sys.stderr)
        return 1
    port = server.server_address[1]
    host = "127.0.0.1" if config.host == "0.0.0.0" else config.host
    if config.port_file:
        files.write_atomic(config.port_file, f"http://{host}:{port}".encode())
    logging.getLogger("understudy_agent").info("listening: url=http://%s:%d", host, port)

    def stop(*_):
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        ending.stop()
        trainer.close()
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
