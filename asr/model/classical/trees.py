"""Ensembles of decision trees: a random forest, and gradient boosting; both are walked in the same way."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from asr.errors import UserError
from asr.model.classical.arrays import class_weights, declare_arrays, set_arrays

LEAST_PROBABILITY = 1e-4  # of a label that no tree votes for


@dataclass(frozen=True)
class Tree:
    """N nodes, the first the root: where to go, by which feature and threshold, and what a leaf gives (N, L).

    left, right: the node's own number at a leaf. Left is taken where the feature is at most the threshold.
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray

    @property
    def depth(self) -> int:
        """The longest way from the root to a leaf, in steps."""
        level, steps = np.array([0]), 0
        while len(level := level[self.left[level] != level]):
            level, steps = np.concatenate([self.left[level], self.right[level]]), steps + 1
        return steps


class Trees(nn.Module):
    """(B, D) -> (B, L): the sum of what the leaves say that an utterance comes to, one of each tree."""

    roots: Tensor
    left: Tensor
    right: Tensor
    feature: Tensor
    threshold: Tensor
    value: Tensor
    depth: Tensor

    def __init__(self) -> None:
        super().__init__()
        declare_arrays(self, "roots", "left", "right", "feature", "threshold", "value", "depth")

    def set(self, trees: Sequence[Tree]) -> None:
        sizes = np.array([len(tree.left) for tree in trees])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        joined = {
            "left": np.concatenate([tree.left + root for tree, root in zip(trees, roots, strict=True)]),
            "right": np.concatenate([tree.right + root for tree, root in zip(trees, roots, strict=True)]),
        }
        joined |= {
            name: np.concatenate([getattr(tree, name) for tree in trees]) for name in ("feature", "threshold", "value")
        }
        set_arrays(self, roots=roots, depth=np.array(max(tree.depth for tree in trees)), **joined)

    def forward(self, vectors: Tensor) -> Tensor:
        vectors = vectors.to(self.threshold.dtype)
        node = self.roots.expand(len(vectors), -1)  # (B, trees)
        for _ in range(int(self.depth)):
            below = vectors.gather(1, self.feature[node]) <= self.threshold[node]
            node = torch.where(below, self.left[node], self.right[node])
        return self.value[node].sum(1)


class RandomForest(nn.Module):
    """(B, D) -> (B, L): logarithms of the mean probabilities of all trees (Breiman 2001).

    trees: how many; leaf: the fewest utterances in a leaf.
    """

    takes_frames = False

    def __init__(self, trees: int, leaf: int) -> None:
        super().__init__()
        self.count, self.leaf, self.trees = trees, leaf, Trees()

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            self.count,
            min_samples_leaf=self.leaf,
            class_weight="balanced" if balanced else None,
            random_state=seed,
            n_jobs=torch.get_num_threads(),
        )
        forest.fit(vectors.astype(np.float32), labels)
        self.trees.set([of_forest(each.tree_, len(forest.estimators_)) for each in forest.estimators_])

    def forward(self, vectors: Tensor) -> Tensor:
        return self.trees(vectors.float()).clamp_min(LEAST_PROBABILITY).log().float()


def of_forest(found, trees: int) -> Tree:
    """A fitted tree of scikit-learn; its leaves give a share of one in so many trees."""
    own = np.arange(found.node_count)
    leaf = found.children_left < 0
    shares = found.value[:, 0] / found.value[:, 0].sum(1, keepdims=True) / trees
    return Tree(
        np.where(leaf, own, found.children_left),
        np.where(leaf, own, found.children_right),
        np.where(leaf, 0, found.feature),
        found.threshold.astype(np.float64),
        shares,
    )


class XGBoost(nn.Module):
    """(B, D) -> (B, L) logits: boosted trees (Chen & Guestrin 2016). Needs the extra `classic` to be fitted.

    rounds: trees a label; depth: of each at most; rate: how much of each tree is taken.
    """

    takes_frames = False
    start: Tensor

    def __init__(self, rounds: int, depth: int, rate: float) -> None:
        super().__init__()
        self.rounds, self.most, self.rate, self.trees = rounds, depth, rate, Trees()
        declare_arrays(self, "start")

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        try:
            import xgboost
        except ImportError as error:
            raise UserError("model=xgboost needs XGBoost: pip install 'asr-from-scratch[classic]'") from error
        classes = int(labels.max()) + 1
        settings = {
            "objective": "multi:softprob",
            "num_class": classes,
            "max_depth": self.most,
            "eta": self.rate,
            "seed": seed,
            "nthread": torch.get_num_threads(),
            "tree_method": "hist",
        }
        data = xgboost.DMatrix(vectors.astype(np.float32), labels, weight=class_weights(labels, balanced))
        learner = json.loads(xgboost.train(settings, data, self.rounds).save_raw("json"))["learner"]
        model = learner["gradient_booster"]["model"]
        pairs = zip(model["trees"], model["tree_info"], strict=True)
        self.trees.set([of_booster(tree, label, classes) for tree, label in pairs])
        start = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32).reshape(-1)
        set_arrays(self, start=np.broadcast_to(start, (classes,)).copy())

    def forward(self, vectors: Tensor) -> Tensor:
        return (self.trees(vectors.float()) + self.start).float()


def of_booster(tree: dict, label: int, classes: int) -> Tree:
    """A tree of XGBoost's JSON; it goes left where a feature is below the threshold, and speaks of one label."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    own, leaf = np.arange(len(left)), left < 0
    conditions = np.array(tree["split_conditions"], np.float32)
    value = np.zeros((len(left), classes))
    value[leaf, label] = conditions[leaf]
    return Tree(
        np.where(leaf, own, left),
        np.where(leaf, own, right),
        np.where(leaf, 0, np.array(tree["split_indices"])),
        np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64),  # below it: at most the number before it
        value,
    )
