"""An encoder of one's own, as it stands beside an installed program."""

from pathlib import Path

MODULE = """
from torch import nn


class Own(nn.Module):
    def __init__(self, features: int, dim: int) -> None:
        super().__init__()
        self.dim, self.stride = dim, 1
        self.linear = nn.Linear(features, dim)

    def frames_of(self, frames):
        return frames

    def forward(self, x, lengths):
        return self.linear(x), lengths
"""


def write_own_encoder(folder: Path, conf: str = "conf") -> Path:
    """folder/own_encoders.py and folder/<conf>/encoder/own.yaml; returns that conf."""
    (folder / "own_encoders.py").write_text(MODULE, "utf-8")
    (folder / conf / "encoder").mkdir(parents=True)
    text = "_target_: own_encoders.Own\ndim: 16  # 8 or more\n"
    (folder / conf / "encoder" / "own.yaml").write_text(text, "utf-8")
    return folder / conf
