"""Recurrent layers in the forms that an export can hold: torch would unroll them over the frames of its example.

Gates are in the order input, forget, cell, output (LSTM) and reset, update, new (GRU) in torch; ONNX has input, output,
forget, cell and update, reset, hidden (ONNX operators LSTM and GRU).
"""

import torch
from torch import Tensor, nn
from torch._higher_order_ops import scan

ONNX_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}  # of torch's, which stand in which place


class OnnxRecurrence(nn.Module):
    """(B, T, D) -> ((B, T, units), None) as ONNX's own operator; it can be exported and not computed."""

    inputs: Tensor
    states: Tensor
    biases: Tensor

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.operator, self.units = layer.mode, layer.hidden_size

        def reordered(weights: Tensor) -> Tensor:
            gates = weights.detach().chunk(len(ONNX_GATES[layer.mode]))
            return torch.cat([gates[place] for place in ONNX_GATES[layer.mode]])

        inputs, states, *biases = map(reordered, parameters(layer))
        self.register_buffer("inputs", inputs.unsqueeze(0))
        self.register_buffer("states", states.unsqueeze(0))
        self.register_buffer("biases", torch.cat(biases).unsqueeze(0))

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        batch, frames, _ = x.shape
        attributes: dict = {"hidden_size": self.units}
        if self.operator == "GRU":  # torch's applies the reset gate after the state's linear map
            attributes["linear_before_reset"] = 1
        found = torch.onnx.ops.symbolic_multi_out(
            self.operator,
            (x.transpose(0, 1), self.inputs, self.states, self.biases),
            attributes,
            dtypes=(x.dtype,),
            shapes=((frames, 1, batch, self.units),),
            version=14,
        )
        return found[0].squeeze(1).transpose(0, 1), None


class ScannedRecurrence(nn.Module):
    """(B, T, D) -> ((B, T, units), None) as a loop over frames that torch.export keeps as a loop."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.units, self.step = layer.hidden_size, {"LSTM": lstm_step, "GRU": gru_step}[layer.mode]
        self.inputs, self.states, self.input_biases, self.state_biases = (
            nn.Parameter(value, requires_grad=False) for value in parameters(layer)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        gates = nn.functional.linear(x, self.inputs, self.input_biases).transpose(0, 1)  # (T, B, gates · units)
        start = gates.new_zeros(x.shape[0], 2 * self.units)

        def step(state: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
            hidden, cell = state.chunk(2, dim=-1)
            hidden, cell = self.step(gates, nn.functional.linear(hidden, self.states, self.state_biases), hidden, cell)
            return torch.cat([hidden, cell], dim=-1), hidden.clone()

        _, found = scan(step, start, gates)
        return found.transpose(0, 1), None


def lstm_step(of_input: Tensor, of_state: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    entering, forgetting, new, leaving = (of_input + of_state).chunk(4, dim=-1)
    cell = forgetting.sigmoid() * cell + entering.sigmoid() * new.tanh()
    return leaving.sigmoid() * cell.tanh(), cell


def gru_step(of_input: Tensor, of_state: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    (reset, update, new), (reset_state, update_state, new_state) = of_input.chunk(3, dim=-1), of_state.chunk(3, dim=-1)
    keep = (update + update_state).sigmoid()
    return (1 - keep) * (new + (reset + reset_state).sigmoid() * new_state).tanh() + keep * hidden, cell.clone()


def parameters(layer: nn.RNNBase) -> tuple[Tensor, ...]:
    """Input weights, state weights, input biases, state biases of a layer as the encoders have them."""
    assert layer.num_layers == 1 and layer.bias and layer.batch_first and not layer.bidirectional
    return tuple(getattr(layer, f"{name}_l0").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
