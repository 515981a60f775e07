"""Which features must be there, which count by degree, and which would delight."""

from crm_analytics.satisfaction.kano.analysis import kano

__all__ = ["kano"]
