"""MBG/NBD behind lifetimes' name."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from crm_analytics.clv import ModifiedBetaGeo
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.compat.lifetimes import generate_data
from crm_analytics.compat.lifetimes.fitters.beta_geo_fitter import BetaGeoFitter


class ModifiedBetaGeoFitter(BetaGeoFitter):
    """MBG/NBD (Batislam, Denizel, Filiztekin 2007) behind lifetimes' `ModifiedBetaGeoFitter`.

    As `BetaGeoFitter`, except that a customer may leave after the first purchase too.
    """

    model: ClassVar[type[GeometricDropout]] = ModifiedBetaGeo

    def generate_new_data(self, size: int = 1, rng: np.random.Generator | None = None) -> Any:
        """Simulate so many customers with the ages of the data."""
        params = self._params_by_name()
        ages = self.data["T"].to_numpy()
        return generate_data.modified_beta_geometric_nbd_model(ages, **params, size=size, rng=rng)
