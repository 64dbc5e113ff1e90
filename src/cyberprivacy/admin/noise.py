"""Noise by OpenDP: discrete Laplace, sampled exactly from the kernel's randomness, no floating-point tricks.

A float added to a float betrays the true value in its last bits; whole numbers and OpenDP's exact sampler do not.

Source: C. Canonne, G. Kamath, T. Steinke, The Discrete Gaussian for Differential Privacy (2020), algorithm 2;
docs.opendp.org, `make_laplace` over integers.
"""

import math
from collections.abc import Sequence
from typing import Any

from cyberprivacy.errors import TryLater


class LaplaceNoise:
    """Discrete Laplace noise. See `statistics.Noise`."""

    def add(self, values: Sequence[int], *, sensitivity: int, epsilon: int) -> tuple[int, ...]:
        """See `Noise.add`.

        Raises:
            TryLater: as `mechanism`; nothing is released.
        """
        return tuple(int(each) for each in mechanism(sensitivity, epsilon)(list(values)))


def mechanism(sensitivity: int, epsilon: int) -> Any:
    """OpenDP's own mechanism, which by its own account loses `epsilon` thousandths at most.

    Returns:
        Called with a list of whole numbers, it releases them; `map` tells the loss at a sensitivity.

    Raises:
        TryLater: OpenDP promises less than was asked of it ("admin.noise").
    """
    scale = sensitivity * 1000 / epsilon
    made = _laplace(scale)
    while made.map(sensitivity) > epsilon / 1000:  # the scale was rounded down: a little more of it
        scale = math.nextafter(scale, math.inf) * (1 + 1e-12)
        if scale > sensitivity * 1001 / epsilon:
            raise TryLater("the noise cannot be made as small as declared", code="admin.noise")
        made = _laplace(scale)
    return made


def _laplace(scale: float) -> Any:
    # A library of 160 MB, which few nodes ever need: a machine reads it from its disk when it first makes noise.
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_laplace
    from opendp.metrics import l1_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    return make_laplace(vector_domain(atom_domain(T="i64")), l1_distance(T="i64"), scale=scale)
