"""MBG/NBD: as BG/NBD, but the customer may leave after the first purchase too."""

from __future__ import annotations

from typing import ClassVar

from crm_analytics.clv.models.geometric_fit import GeometricDropout


class ModifiedBetaGeo(GeometricDropout):
    """MBG/NBD model of repeat purchases in a non-contractual setting (Batislam, Denizel, Filiztekin 2007).

    As `BetaGeo`, except that a customer may leave right after the first purchase, so that one-time buyers are not
    taken to be alive for certain (erratum: Wagner and Hoppe 2008).
    """

    shift: ClassVar[int] = 1
