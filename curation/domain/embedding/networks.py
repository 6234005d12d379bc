"""A model made ready to run: on which device, in which precision, in batches of what size."""

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from curation.domain.embedding.batches import Budget
from curation.domain.embedding.errors import UnusableModel
from curation.domain.embedding.packed_bert import PackedBert, can_pack
from curation.domain.embedding.tokens import Cutter, Run

LEAST_COSINE = 0.999  # to fp32, of vectors in half precision; with less, fp32 is used
EQUAL_COSINE = 0.99999  # to the library's, of vectors by our own arithmetic in fp32
CPU_TOKENS = 1024  # the activations of such a batch stay in a core's cache
GPU_TOKENS = 16_384
MOST_GPU_TOKENS = 4_194_304
PROBES = (
    "Which of these two answers is better, and why?",
    "def area(r):\n    return 3.14159 * r ** 2",
    "A",
    "“Ça va?” – 你好，世界。 שלום 🙂🙂",
    "The quick brown fox jumps over the lazy dog. " * 20,
)

Network = Callable[[Sequence[Run]], NDArray[np.float32]]


@dataclass(frozen=True)
class Engine:
    """A model that is ready to run.

    Attributes:
        run: gives vectors of length 1 for runs of tokens; safe to call from several threads.
        full: the same in fp32.
        precision: of `run`: bf16 or fp32.
        budget: tokens of a batch.
        workers: threads that run batches side by side.
    """

    cutter: Cutter
    run: Network
    full: Network
    device: str
    precision: str
    dimensions: int
    max_tokens: int
    prompt: str
    commit: str
    budget: Budget
    workers: ThreadPoolExecutor


def load(path_or_name: str, device: str | None) -> Engine:
    """Load a model and choose how to run it.

    Raises:
        UnusableModel: it cannot be loaded, or its tokenizer is not one of the fast kind.
    """
    model = opened(path_or_name)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    max_tokens = limit_of(model)
    cutter = Cutter(model.tokenizer.backend_tokenizer, max_tokens, prompt_of(model))
    probes = [cutter.cut(cutter.read(text))[0] for text in PROBES]
    on_cpu = device == "cpu"
    full = fastest(model, torch.float32, probes)
    run = half(model, device, full, probes) if has_half_units(device) else None
    precision = "bf16" if run else "fp32"
    if run is None:
        run = full if on_cpu else WholeModel(copy.deepcopy(model).to(device))
    return Engine(
        cutter=cutter,
        run=run,
        full=full,
        device=device,
        precision=precision,
        dimensions=int(model.get_embedding_dimension()),
        max_tokens=max_tokens,
        prompt=prompt_of(model),
        commit=str(getattr(model[0].model.config, "_commit_hash", None) or ""),
        budget=Budget(CPU_TOKENS, CPU_TOKENS) if on_cpu else Budget(GPU_TOKENS, MOST_GPU_TOKENS),
        workers=side_by_side(torch.get_num_threads() if on_cpu else 1),
    )


def opened(path_or_name: str) -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # a worker's log is no place for bars
    logging.set_verbosity_error()
    try:
        model = SentenceTransformer(
            path_or_name, device="cpu", model_kwargs={"dtype": torch.float32}
        )
        model.tokenizer.backend_tokenizer  # noqa: B018 - slow tokenizers have none
    except (AttributeError, OSError, ValueError) as error:
        raise UnusableModel(
            f"The embedding model {path_or_name} cannot be loaded ({error}); name a folder that "
            "sentence-transformers can load, or a model on the hub."
        ) from error
    return model.eval()


def limit_of(model: Any) -> int:
    """Most tokens that a model reads at a time; 512 where it does not say."""
    places = getattr(model[0].model.config, "max_position_embeddings", None)
    return int(model.max_seq_length or places or 512)


def prompt_of(model: Any) -> str:
    """What the library would put before every text of a model."""
    prompt = model.prompts.get(model.default_prompt_name) or ""
    if prompt and not getattr(model[1], "include_prompt", True):
        raise UnusableModel("The model leaves its prompt out of pooling, which Quorum cannot.")
    return str(prompt)


def side_by_side(n: int) -> ThreadPoolExecutor:
    """Threads that run a batch each: one core a batch wastes nothing on waiting for the other."""
    n_before = torch.get_num_threads()
    workers = ThreadPoolExecutor(n, "embed", initializer=torch.set_num_threads, initargs=(1,))
    all_here = threading.Barrier(n)
    list(workers.map(lambda _: all_here.wait(), range(n)))
    # What a thread sets holds for itself, and for those of others that start later.
    torch.set_num_threads(n_before)
    return workers


def has_half_units(device: str) -> bool:
    """Tell whether a device multiplies in bf16 by itself instead of by way of fp32."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device != "cpu":
        return False
    can = torch.cpu.get_capabilities()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def half(model: Any, device: str, full: Network, probes: Sequence[Run]) -> Network | None:
    """The model in bf16 on a device, or None where its vectors are not those of fp32."""
    if device == "cpu" and can_pack(model):
        run: Network = PackedBert(model, torch.bfloat16)
    else:
        run = WholeModel(copy.deepcopy(model).to(device, torch.bfloat16))
    return run if closeness(run(probes), full(probes)) >= LEAST_COSINE else None


def fastest(model: Any, dtype: torch.dtype, probes: Sequence[Run]) -> Network:
    """The model on the CPU by our own arithmetic where that gives the library's vectors."""
    whole = WholeModel(model)
    if not can_pack(model):
        return whole
    packed = PackedBert(model, dtype)
    return packed if closeness(packed(probes), whole(probes)) >= EQUAL_COSINE else whole


def closeness(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Least cosine between vectors of length 1, row by row; NaN where one is."""
    return float(np.min(np.sum(vectors * others, axis=1)))


class WholeModel:
    """Runs any sentence-transformers model as the library does, with padding."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._pad = model.tokenizer.pad_token_id or 0
        self._is_left = model.tokenizer.padding_side == "left"

    def __call__(self, runs: Sequence[Run]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (m, d), of m runs."""
        width = max(map(len, runs))
        ids = torch.full((len(runs), width), self._pad)
        mask = torch.zeros_like(ids)
        for row, run in enumerate(runs):
            part = slice(width - len(run), width) if self._is_left else slice(len(run))
            ids[row, part], mask[row, part] = torch.from_numpy(run).long(), 1
        device = self._model.device
        with torch.inference_mode():
            features = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
            found = self._model(features)["sentence_embedding"]
            return functional.normalize(found.float(), dim=1).cpu().numpy()
