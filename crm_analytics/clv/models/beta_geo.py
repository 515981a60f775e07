"""BG/NBD: buying is Poisson while alive, and after any repeat purchase the customer may leave."""

from __future__ import annotations

from typing import ClassVar

from crm_analytics.clv.models.geometric_fit import GeometricDropout


class BetaGeo(GeometricDropout):
    """BG/NBD model of repeat purchases in a non-contractual setting (Fader, Hardie, Lee 2005, Marketing Science 24).

    Customers buy at rates that follow a gamma(r, rate alpha) distribution and leave after a repeat purchase with
    probabilities that follow a beta(a, b) distribution. A customer without a repeat purchase counts as alive for
    certain; where that is not credible use `ModifiedBetaGeo`.
    """

    shift: ClassVar[int] = 0
