"""Search many: python tune.py search=NAME [trials=N] [budget.total_minutes=N] [any train.py override]."""

from asr.commands.scripts import tune

if __name__ == "__main__":
    tune()
