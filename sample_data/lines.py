"""Turn orders into order lines: what was bought at which price, and what came back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_data.catalogue import PER_BLOCK, Catalogue
from sample_data.chance import Flags, Floats, Ints, Recipe, instants_series, labels
from sample_data.people import People
from sample_data.purchases import Orders

MOST_LINES = 6
NEIGHBOURS = 2 * PER_BLOCK
"""Products among which a second line of the same product moves: more of them than an order can have lines."""
CHEAPEST, WHOLE_POUNDS, DEAREST = 2.5, 60.0, 170.0
"""Lowest price of a unit on a line of several; price from which only pounds vary; highest price of a unit."""
_QUANTITIES = np.array([1] * 14 + [2] * 4 + [3, 4])


@dataclass(frozen=True, eq=False)
class Lines:
    """Order lines as arrays; `order` is the position of the order, `minute` the minute in the window."""

    order: Ints
    minute: Ints
    product: Ints
    quantity: Ints
    price: Floats
    cost: Floats
    own_id: Flags
    """Whether the line belongs to a refund booked under an id of its own."""


def draw_lines(recipe: Recipe, people: People, orders: Orders, catalogue: Catalogue) -> Lines:
    """Draw the lines of every order so that its value is the gamma-gamma draw, to the rounding of prices."""
    truth, rng = recipe.truth, recipe.stream("lines")
    value = rng.gamma(truth.p, 1 / people.nu[orders.person])
    count = np.minimum(1 + rng.poisson(1.3, len(value)), np.clip(value / 5, 1, MOST_LINES).astype(np.int64))
    order = np.repeat(np.arange(len(value)), count)
    line_value = np.repeat(value, count) * _portions(count, rng)
    quantity = _quantities(line_value, rng)
    unit = line_value / quantity
    list_price = np.where(people.bargain[orders.person[order]], unit / (1 - truth.bargain_discount), unit)
    product = _distinct(order, catalogue.choose(list_price, rng))
    minute = (orders.day * 1440 + _minute_of_day(len(value), rng))[order]
    cost = np.round(catalogue.unit_costs[product] * quantity, 2)
    return Lines(order, minute, product, quantity, _shop_price(unit), cost, np.zeros(len(order), dtype=bool))


def _portions(count: Ints, rng: np.random.Generator) -> Floats:
    """Split every order at random over its lines; the portions of an order sum to one."""
    weight = rng.gamma(2.0, 1.0, int(count.sum()))
    starts = np.cumsum(count) - count
    return np.asarray(weight / np.repeat(np.add.reduceat(weight, starts), count))


def _quantities(line_value: Floats, rng: np.random.Generator) -> Ints:
    """Draw the number of units: one as a rule, more on dear lines and never more than a unit's price allows."""
    usual = _QUANTITIES[rng.integers(len(_QUANTITIES), size=len(line_value))]
    usual = np.where(line_value / usual < CHEAPEST, 1, usual)
    return np.asarray(np.maximum(usual, np.ceil(line_value / DEAREST).astype(np.int64)))


def _shop_price(value: Floats) -> Floats:
    """Round to prices that end in .49 or .99, above 60 in .99 alone."""
    return np.maximum(
        np.where(value < WHOLE_POUNDS, np.round(value * 2) / 2, np.round(value)) - 0.01, 0.49
    ).round(2)


def _distinct(order: Ints, product: Ints) -> Ints:
    """Move a product that an order already has to a neighbour by price, until no order has one twice."""
    product = product.copy()
    while True:
        twice = np.zeros(len(order), dtype=bool)
        for back in range(1, MOST_LINES):
            twice[back:] |= (order[back:] == order[:-back]) & (product[back:] == product[:-back])
        if not twice.any():
            return product
        block, within = np.divmod(product[twice], NEIGHBOURS)
        product[twice] = block * NEIGHBOURS + (within + 1) % NEIGHBOURS


def _minute_of_day(size: int, rng: np.random.Generator) -> Ints:
    """Draw times of day between 7:00 and 22:59, most in the afternoon."""
    return (7 * 60 + rng.beta(2.2, 1.9, size) * 16 * 60).astype(np.int64)


def draw_refunds(recipe: Recipe, people: People, orders: Orders, lines: Lines) -> Lines:
    """Draw the lines that take orders back: whole ones under their own id, or one line of the same order."""
    truth, rng = recipe.truth, recipe.stream("refunds")
    size = len(orders.person)
    usual, often = truth.refund_probability, truth.returner_refund_probability
    chance = np.where(people.returner[orders.person], often, usual)
    later = (3 + rng.exponential(8.0, size)).astype(np.int64) * 1440
    refunded, whole = rng.random(size) < chance, rng.random(size) < truth.whole_refund_share
    count = np.bincount(lines.order, minlength=size)
    whole |= count == 1
    first = np.concatenate(([True], lines.order[1:] != lines.order[:-1]))
    taken = refunded[lines.order] & (whole[lines.order] | first)
    at = lines.minute + later[lines.order]
    taken &= at < truth.n_days * 1440
    order, cost = lines.order[taken], lines.cost[taken]
    return Lines(
        order,
        at[taken],
        lines.product[taken],
        -lines.quantity[taken],
        lines.price[taken],
        -np.round(cost * truth.recovered_share, 2),
        whole[order],
    )


def transactions_frame(
    recipe: Recipe, people: People, orders: Orders, lines: Lines, catalogue: Catalogue
) -> pl.DataFrame:
    """Give order lines as rows of the transactions table, and whether they stand."""
    truth = recipe.truth
    person = orders.person[lines.order]
    channels = labels(list(truth.channels), orders.channel)
    countries = labels(list(truth.countries), people.country)
    number = pl.Series(lines.order + orders.first_number).cast(pl.String)
    mark = pl.Series(["", "R"]).gather(lines.own_id.astype(np.int64))
    return pl.DataFrame(
        {
            "order_id": mark + number,
            "ordered_at": instants_series(truth, lines.minute),
            "customer_id": recipe.ids().gather(person),
            "product_id": labels(catalogue.ids, lines.product),
            "category": labels(catalogue.categories, lines.product),
            "quantity": lines.quantity,
            "unit_price": lines.price,
            "amount": np.round(lines.price * lines.quantity, 2),
            "cost": lines.cost,
            "channel": channels.gather(lines.order),
            "country": countries.gather(person),
            "stands": orders.stand[lines.order],
        }
    )
