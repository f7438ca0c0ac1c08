"""How the learning rate runs from the first step to the end of the budget."""

import math


class WarmupCosine:
    """Linear from 0 over `warmup_steps`, then half a cosine down to `final_share` (Loshchilov & Hutter 2017).

    The cosine follows the share of the budget that is spent, in epochs or in minutes, so it ends where training ends.
    """

    def __init__(self, warmup_steps: int, final_share: float) -> None:
        self.warmup_steps, self.final_share = warmup_steps, final_share

    def __call__(self, step: int, spent: float) -> float:
        """Factor on the peak learning rate at optimizer step `step` with a share `spent` of the budget gone."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, spent)))
        return min(1.0, (step + 1) / max(1, self.warmup_steps)) * (self.final_share + (1 - self.final_share) * cosine)
