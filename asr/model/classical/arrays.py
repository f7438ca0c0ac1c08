"""Arrays that a fit leaves in a module, as big as the fit makes them, saved and loaded like any other weights."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn


def declare_arrays(module: nn.Module, *names: str) -> None:
    """Give a module empty arrays that take the size of what is loaded into them, until `set_arrays` fills them."""
    for name in names:
        module.register_buffer(name, torch.empty(0))

    def take_sizes(loading: nn.Module, state: Mapping[str, Tensor], prefix: str, *rest: object) -> None:
        for name in names:
            if (found := state.get(prefix + name)) is not None:
                setattr(loading, name, torch.empty_like(found))

    module.register_load_state_dict_pre_hook(take_sizes)


def set_arrays(module: nn.Module, **arrays: np.ndarray) -> None:
    """Fill arrays that `declare_arrays` named."""
    for name, values in arrays.items():
        assert name in dict(module.named_buffers(recurse=False)), name
        setattr(module, name, torch.from_numpy(np.ascontiguousarray(values)))


def class_weights(labels: np.ndarray, balanced: bool) -> np.ndarray:
    """(N,) indices -> (N,) weights with a mean of 1: the same for all, or each label's in sum the same."""
    if not balanced:
        return np.ones(len(labels))
    counts = np.bincount(labels)
    return len(labels) / ((counts > 0).sum() * counts[labels])
