"""BERT without padding: the tokens of a batch stand in one row, each text attends to itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from curation.domain.embedding.tokens import Run

POOLINGS = ("mean", "cls")


@dataclass(frozen=True)
class Linear:
    """A weight of shape (out, in) and its bias."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True)
class Norm:
    """A layer norm over the last axis."""

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True)
class Layer:
    """One block: query, key and value in one product, then the rest as in the paper."""

    joint: Linear
    out: Linear
    attended: Norm
    up: Linear
    down: Linear
    done: Norm


class PackedBert:
    """Runs what a sentence-transformers model of the BERT family runs, with fewer products.

    Source: Devlin et al. (2019), BERT, section 3.

    Args:
        model: of which `can_pack` is true.
        dtype: of weights and products.
    """

    def __init__(self, model: Any, dtype: torch.dtype) -> None:
        bert, self._pooling = model[0].model, model[1].pooling_mode
        self._heads = bert.config.num_attention_heads
        table = bert.embeddings
        positions = table.position_embeddings.weight + table.token_type_embeddings.weight[0]
        self._words = table.word_embeddings.weight.detach().to(dtype)
        self._positions = positions.detach().to(dtype)
        self._embedded = norm_of(table.LayerNorm, dtype)
        self._layers = [layer_of(layer, dtype) for layer in bert.encoder.layer]

    def __call__(self, runs: Sequence[Run]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (m, d), of m runs; those of one length side by side."""
        with torch.inference_mode():
            return self._vectors(runs).numpy()

    def _vectors(self, runs: Sequence[Run]) -> Tensor:
        lengths = [len(run) for run in runs]
        groups = [(length, len(list(same))) for length, same in groupby(lengths)]
        tokens = torch.from_numpy(np.concatenate(runs)).long()
        places = torch.from_numpy(np.concatenate([np.arange(n) for n in lengths]))
        x = self._embedded(self._words[tokens].add_(self._positions[places]))
        for layer in self._layers:
            attended = attend(layer.joint(x), groups, self._heads)
            x = layer.attended(layer.out(attended).add_(x))
            x = layer.done(layer.down(functional.gelu(layer.up(x))).add_(x))
        parts = x.float().split(lengths)
        pooled = [part[0] if self._pooling == "cls" else part.mean(0) for part in parts]
        return functional.normalize(torch.stack(pooled), dim=1)


def attend(joint: Tensor, groups: Sequence[tuple[int, int]], heads: int) -> Tensor:
    """Attention of each text to itself.

    Args:
        joint: query, key and value of every token, shape (tokens, 3 x width).
        groups: (tokens of a text, texts) of each stretch of texts of one length, in order.
        heads: attention heads.

    Returns:
        Shape (tokens, width).
    """
    width = joint.shape[1] // 3
    found = []
    for part, (length, n) in zip(
        joint.split([length * n for length, n in groups]), groups, strict=True
    ):
        query, key, value = part.view(n, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        found.append(mixed.transpose(1, 2).reshape(n * length, width))
    return torch.cat(found)


def can_pack(model: Any) -> bool:
    """Tell whether a model is a plain BERT that pools by the mean or the first token."""
    names = [type(module).__name__ for module in model]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return False
    bert = model[0].model
    return (
        type(bert).__name__ == "BertModel"
        and bert.config.hidden_act == "gelu"
        and not bert.config.is_decoder
        and model[1].pooling_mode in POOLINGS
    )


def layer_of(layer: Any, dtype: torch.dtype) -> Layer:
    own, mixed, last = layer.attention.self, layer.attention.output, layer.output
    return Layer(
        joint=linear_of([own.query, own.key, own.value], dtype),
        out=linear_of([mixed.dense], dtype),
        attended=norm_of(mixed.LayerNorm, dtype),
        up=linear_of([layer.intermediate.dense], dtype),
        down=linear_of([last.dense], dtype),
        done=norm_of(last.LayerNorm, dtype),
    )


def linear_of(parts: Sequence[Any], dtype: torch.dtype) -> Linear:
    weight = torch.cat([part.weight for part in parts]).detach().to(dtype)
    return Linear(weight, torch.cat([part.bias for part in parts]).detach().to(dtype))


def norm_of(norm: Any, dtype: torch.dtype) -> Norm:
    return Norm(norm.weight.detach().to(dtype), norm.bias.detach().to(dtype), norm.eps)
