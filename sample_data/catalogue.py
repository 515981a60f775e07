"""The products: names, categories, usual prices and what a unit costs the firm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_data.chance import Floats, Ints, Recipe, days_series

PER_BLOCK = 4
"""Neighbours by price from which an order line takes its product."""
POPULARITY = np.array([0.45, 0.27, 0.17, 0.11])
"""How they share the sales; which of the neighbours is the favourite goes round from block to block."""

_PRICES = {
    "Kitchen": "Tea towel 5.99|Wooden spoon set 7.49|Egg timer 4.49|Measuring jug 9.99|Chopping board 17.99|"
    "Stoneware bowl 12.49|Salad servers 14.99|Casserole 54.99|Chef's knife 39.99|Stand mixer 149.99",
    "Tableware": "Napkins 3.49|Espresso cup 6.49|Mug 8.49|Dinner plate 11.49|Wine glass 9.49|Cutlery set 64.99|"
    "Serving platter 26.99|Teapot 29.99|Carafe 21.99",
    "Textiles": "Cushion cover 12.99|Hand towel 7.99|Bath towel 16.49|Throw 34.99|Bed linen 59.99|Apron 15.49|"
    "Table runner 18.99|Wool blanket 84.99|Duvet 99.99",
    "Lighting": "Tea lights 2.99|Candle 6.99|Lantern 22.99|Fairy lights 13.49|Desk lamp 44.99|Table lamp 49.99|"
    "Pendant light 74.99|Floor lamp 119.99|Light bulb 4.99",
    "Storage": "Hook rail 10.99|Storage jar 8.99|Wicker basket 19.49|Shoe rack 31.99|Magazine rack 24.99|"
    "Drawer insert 13.99|Coat stand 69.99|Bookcase 134.99|Shelf 37.49",
    "Garden": "Seed tin 3.99|Plant pot 10.49|Gardening gloves 11.99|Watering can 20.99|Bird feeder 16.99|"
    "Hand trowel 9.29|Garden bench 164.99|Parasol 79.99|Fire bowl 109.99",
    "Stationery": "Greeting card 2.49|Notebook 5.49|Gift wrap 3.29|Pencil case 7.29|Desk tidy 14.49|Photo album 23.49|"
    "Fountain pen 27.99|Wall calendar 12.29",
    "Bath": "Soap bar 3.79|Hand cream 8.29|Bath salts 6.29|Bath mat 19.99|Shower curtain 25.49|Laundry basket 42.99|"
    "Mirror 57.49|Bathrobe 47.99|Towel rail 89.99",
}
COST_SHARE = {
    "Kitchen": 0.56,
    "Tableware": 0.48,
    "Textiles": 0.52,
    "Lighting": 0.58,
    "Storage": 0.62,
    "Garden": 0.66,
    "Stationery": 0.38,
    "Bath": 0.45,
}
LOSS_MAKERS = {"Garden bench": 1.12, "Bookcase": 1.05, "Wicker basket": 1.15, "Throw": 1.08}
"""Products that cost more than they bring: unit cost as a share of the usual price."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The products in the order of their price."""

    ids: list[str]
    names: list[str]
    categories: list[str]
    prices: Floats
    unit_costs: Floats

    @property
    def size(self) -> int:
        """Number of products."""
        return len(self.ids)

    def choose(self, unit_value: Floats, rng: np.random.Generator) -> Ints:
        """Choose a product whose usual price is near each value, the popular ones more often."""
        last = np.arange(PER_BLOCK, self.size, PER_BLOCK)
        bounds = np.sqrt(self.prices[last - 1] * self.prices[last])
        within = np.searchsorted(np.cumsum(POPULARITY)[:-1], rng.random(len(unit_value)), side="right")
        block = np.searchsorted(bounds, unit_value)
        return block * PER_BLOCK + (within + block) % PER_BLOCK


def make_catalogue() -> Catalogue:
    """Give the catalogue; nothing in it is drawn by lot."""
    rows = [
        (category, *entry.rsplit(" ", 1))
        for category, listing in _PRICES.items()
        for entry in listing.split("|")
    ]
    by_price = sorted(range(len(rows)), key=lambda i: float(rows[i][2]))
    shares = [LOSS_MAKERS.get(name, COST_SHARE[category]) for category, name, _ in rows]
    prices = np.array([float(price) for _, _, price in rows])
    return Catalogue(
        ids=[f"P{i + 1:03d}" for i in by_price],
        names=[rows[i][1] for i in by_price],
        categories=[rows[i][0] for i in by_price],
        prices=prices[by_price],
        unit_costs=np.round(prices * np.array(shares), 2)[by_price],
    )


def products_frame(recipe: Recipe, catalogue: Catalogue) -> pl.DataFrame:
    """Give the products table; all products were launched before the window."""
    launched = recipe.stream("launches").integers(-2000, -30, size=catalogue.size)
    return pl.DataFrame(
        {
            "product_id": catalogue.ids,
            "name": catalogue.names,
            "category": catalogue.categories,
            "unit_cost": catalogue.unit_costs,
            "launched_on": days_series(recipe.truth, launched),
        }
    ).sort("product_id")
