"""`python -m practice --port 8100`: serve the practice judge until Ctrl-C."""

import argparse
import asyncio
import json
import sys

from practice.behaviour import BATCHES, MODES, RULES, Behaviour
from practice.endpoint import Endpoint
from practice.wire import serve

MODES_TOLD = """\
A model called practice-MODE meets that MODE whatever the settings are; practice-1 is fine.
MODE is an error status from 400 to 599, or one of:
"""


def main(arguments: list[str]) -> int:
    wanted = parser().parse_args(arguments)
    named = {name: value for name, value in vars(wanted).items() if name in SETTINGS}
    try:
        behaviour = Behaviour().changed(
            **{name: value for name, value in named.items() if value is not None},
            **json.loads(wanted.settings),
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        asyncio.run(run(Endpoint(behaviour), wanted))
    except KeyboardInterrupt:
        return 0
    return 0


SETTINGS = {
    "mode": (str, "what every request meets: fine, or a MODE as below"),
    "latency": (float, "seconds that each answer takes"),
    "rule": (str, f"how it judges: {', '.join(RULES)}"),
    "sharpness": (float, "how much quality counts"),
    "noise": (float, "standard deviation of what is added to a quality, in logits"),
    "bias": (float, "logits that what is shown first gets on top"),
    "obedience": (float, "share of the orders in answers that it obeys, as gullible models do"),
    "key": (str, "the API key that clients must send"),
    "batch": (str, f"what batches meet: fine, {', '.join(BATCHES)}"),
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m practice",
        description="Serve a judge without a model, which also errs on command.",
        epilog=MODES_TOLD + ", ".join(MODES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=8100, help="0 takes a free one (default 8100)")
    for name, (kind, told) in SETTINGS.items():
        made.add_argument(f"--{name}", type=kind, help=told)
    made.add_argument("--settings", default="{}", help="more settings of Behaviour, as JSON")
    made.add_argument("--until-input-ends", action="store_true", help=argparse.SUPPRESS)
    return made


async def run(endpoint: Endpoint, wanted: argparse.Namespace) -> None:
    server = await serve(endpoint, wanted.host, wanted.port)
    port = server.sockets[0].getsockname()[1]
    print(f"http://{wanted.host}:{port}/v1", flush=True)
    if wanted.until_input_ends:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
        await ended.wait()
        return
    print("A practice judge listens there. Ctrl-C stops it.", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
