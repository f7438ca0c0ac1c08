"""Fit one model: python train.py encoder=transformer data.source=PATH (--help lists everything)."""

from asr.commands.train import main

if __name__ == "__main__":
    main()
