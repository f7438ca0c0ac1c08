"""Fit one model: python train.py encoder=transformer data.source=PATH (--help lists everything)."""

from asr.commands.scripts import train

if __name__ == "__main__":
    train()
