"""Convolutions over time and frequency that stay right where few frequency bins are left."""

from torch import Tensor, nn

NARROWEST = 3  # bins a strided convolution is given at least


class Convolution(nn.Conv2d):
    """`torch.nn.Conv2d`, (B, C, T, F) -> (B, out, T', F'), given at least `NARROWEST` bins where it strides over F.

    oneDNN's kernels for the AMX units of x86 processors (brg_conv_fwd:avx10_1_512_amx, with torch 2.11) compute a
    three-wide bf16 convolution of stride 2 from memory that nobody wrote where one or two bins become one: values up
    to 1e37, or NaN. Zeros at the right, which the padding stands for anyway, keep it out of that case; the bins that
    come of them are cut off.
    """

    def forward(self, x: Tensor) -> Tensor:
        missing = NARROWEST - x.shape[3]
        if self.stride[1] == 1 or missing <= 0:
            return super().forward(x)
        bins = (x.shape[3] + 2 * int(self.padding[1]) - self.kernel_size[1]) // self.stride[1] + 1
        return super().forward(nn.functional.pad(x, (0, missing)))[..., :bins]
