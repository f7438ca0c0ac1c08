"""The networks of rows: one output that is rounded, or an output a label."""

import numpy as np
import pytest
import torch

from asr.tasks.table.network import LabelNetwork, NumberNetwork

SMALL = {"widths": [16], "dropout": 0.0, "epochs": 150, "rate": 0.01, "batch": 32}


@pytest.fixture(scope="module")
def rows():
    """(120, 6) rows that say their label, of six."""
    labels = np.arange(120) % 6
    return np.eye(6, dtype=np.float32)[labels], labels


def set_output(network, value):
    """Make a fitted NumberNetwork give `value` for every row."""
    last = network.layers.count - 1
    getattr(network.layers, f"weight{last}").zero_()
    getattr(network.layers, f"bias{last}").fill_(value)


@pytest.mark.parametrize("kind", [NumberNetwork, LabelNetwork])
def test_they_learn_what_rows_say_and_are_the_same_again_when_loaded(rows, kind):
    vectors, labels = rows
    network, again = kind(**SMALL), kind(**SMALL)
    network.fit(vectors, labels, balanced=False, seed=1)
    scores = network(torch.from_numpy(vectors))
    assert scores.shape == (120, 6)
    assert scores.argmax(1).tolist() == labels.tolist()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(torch.from_numpy(vectors)), scores)
    other = kind(**SMALL)
    other.fit(vectors, labels, balanced=False, seed=1)
    assert torch.equal(other(torch.from_numpy(vectors)), scores)  # the same seed


@pytest.mark.parametrize(("output", "label"), [(-3.2, 0), (0.4, 0), (0.6, 1), (2.49, 2), (4.51, 5), (17.0, 5)])
def test_the_number_that_mean_squared_error_gives_is_rounded_to_0_to_5(rows, output, label):
    vectors, labels = rows
    network = NumberNetwork(**(SMALL | {"epochs": 1}))
    network.fit(vectors, labels, balanced=False, seed=1)
    set_output(network, output)
    assert network(torch.from_numpy(vectors[:2])).argmax(1).tolist() == [label, label]


def test_the_number_network_minimises_squared_error():
    """Of rows that say nothing, the mean of the labels is the best number: 0, 0, 5 make 5/3, so label 2."""
    vectors, labels = np.zeros((90, 1), np.float32), np.tile([0, 0, 5], 30)
    network = NumberNetwork(widths=[], dropout=0.0, epochs=200, rate=0.05, batch=90)
    network.fit(vectors, labels, balanced=False, seed=1)
    assert network.layers(torch.zeros(1, 1)).item() == pytest.approx(5 / 3, abs=0.05)
    assert network.variance.item() == pytest.approx(50 / 9, rel=0.02)
    assert network(torch.zeros(1, 1)).argmax().item() == 2
    network.fit(vectors, labels, balanced=True, seed=1)  # both labels count alike
    assert network.layers(torch.zeros(1, 1)).item() == pytest.approx(2.5, abs=0.1)
