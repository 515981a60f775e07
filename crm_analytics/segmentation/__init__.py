"""Segmentation: RFM, value tiers."""
