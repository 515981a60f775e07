"""What is true of the sample company: every parameter from which its tables are drawn.

The analyses may be held against these figures, because nothing else went into the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

_EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday."""


@dataclass(frozen=True)
class Campaign:
    """One campaign with a control group drawn by lot.

    `uplift` multiplies the purchase rate of the treated by 1 + uplift during `Truth.campaign_days` days.
    `cost` is what one treated customer costs; a control costs nothing.
    """

    name: str
    begins_on: date
    contacted_share: float
    treated_share: float
    uplift: float
    channel: str
    cost: float


@dataclass(frozen=True)
class Driver:
    """One satisfaction driver and how a point of its rating moves overall satisfaction.

    `below` is the effect of each point under the reference of 7, `above` of each point over it: equal for a
    linear driver, `above` zero for a must-be, `below` zero for a delighter, both zero for the null driver.
    `felt` is the mean of what customers feel before it is rounded to whole numbers from 1 to 10, slow complaints
    apart. `not_applicable` is the share of answers that tick "n/a".
    """

    name: str
    below: float
    above: float
    felt: float
    not_applicable: float = 0.0


@dataclass(frozen=True)
class Dirt:
    """Rows that are wrong on purpose, as they are counted in transactions.csv."""

    duplicate_rows: int = 60
    blank_customer_rows: int = 120
    bad_date_rows: int = 12
    zero_price_rows: int = 25
    padded_id_rows: int = 40


def _campaigns() -> tuple[Campaign, ...]:
    return (
        Campaign("2025-03 Spring e-mail", date(2025, 3, 3), 0.50, 0.5, 0.08, "email", 0.06),
        Campaign("2025-10 Autumn voucher", date(2025, 10, 6), 0.60, 0.6, 0.40, "post", 1.15),
        Campaign("2026-02 Newsletter", date(2026, 2, 2), 0.50, 0.5, 0.0, "email", 0.06),
    )


def _drivers() -> tuple[Driver, ...]:
    return (
        Driver("quality", 0.30, 0.30, felt=8.0),
        Driver("price", 0.16, 0.16, felt=6.8),
        Driver("service", 0.20, 0.20, felt=7.0),
        Driver("website", 0.12, 0.12, felt=8.4, not_applicable=0.10),
        Driver("returns", 0.08, 0.08, felt=6.3, not_applicable=0.25),
        Driver("packaging", 0.0, 0.0, felt=7.8),
        Driver("delivery", 0.35, 0.0, felt=5.7),
        Driver("inspiration", 0.0, 0.35, felt=7.5),
    )


@dataclass(frozen=True)
class Truth:
    """The parameters of the sample company.

    Rates are per week, shares and probabilities in [0, 1], money in pounds, durations in days.
    """

    years: int = 3
    end: date = date(2026, 7, 1)
    """The first day that is not seen; the last day with data is the one before."""

    # -- acquisition
    prospect_share: float = 0.03
    """Customers on file who never ordered."""
    launch_share: float = 0.18
    """Customers who came with the launch of the loyalty programme, at an exponential pace."""
    launch_days: float = 45.0
    growth_per_year: float = 0.25
    """By how much the daily number of further new customers grows in a year."""
    channels: Mapping[str, float] = field(
        default_factory=lambda: {"web": 0.48, "store": 0.27, "marketplace": 0.17, "phone": 0.08}
    )
    countries: Mapping[str, float] = field(
        default_factory=lambda: {
            "United Kingdom": 0.56,
            "Germany": 0.15,
            "France": 0.12,
            "Ireland": 0.10,
            "Netherlands": 0.07,
        }
    )
    """Where customers live; the country has no effect on anything."""
    consent_share: float = 0.72

    # -- purchase process: BG/NBD (Fader, Hardie and Lee 2005), rates Gamma(r, alpha of the channel)
    r: float = 0.50
    alpha: Mapping[str, float] = field(
        default_factory=lambda: {"web": 9.0, "store": 7.0, "marketplace": 18.0, "phone": 11.0}
    )
    a: float = 0.70
    b: float = 4.50
    own_channel_share: float = 0.85
    """Orders that come through the channel by which the customer was won."""
    season: tuple[float, ...] = (0.90, 0.90, 0.96, 0.98, 1.00, 0.98, 0.94, 0.92, 0.98, 1.04, 1.18, 1.22)
    """What the calendar month multiplies every purchase rate by; the mean is 1."""
    weekday: tuple[float, ...] = (0.96, 0.92, 0.94, 0.98, 1.10, 1.26, 0.84)
    """The same for the day of the week, Monday to Sunday; first orders fall on every day alike."""

    # -- spend per order: gamma-gamma (Fader and Hardie 2013), values Gamma(p, nu), nu Gamma(q, v)
    p: float = 5.0
    q: float = 3.6
    v: float = 26.0

    # -- refunds
    refund_probability: float = 0.03
    returner_share: float = 0.07
    returner_refund_probability: float = 0.22
    whole_refund_share: float = 0.60
    """Refunds of the whole order, booked under their own id; the others take back one line of the order."""
    recovered_share: float = 0.30
    """Share of the goods' cost that a return recovers."""

    # -- customers who cost money
    bargain_share: float = 0.10
    """Customers who buy reduced goods only."""
    bargain_discount: float = 0.55
    """What is taken off the usual price for them; the goods cost the firm what they always do."""

    # -- groups that migrate
    fading_share: float = 0.50
    """Of the customers won before `migration_from` who are in the top quarter of purchase rates."""
    fading_factor: float = 0.20
    rising_share: float = 0.06
    """Of all other customers won before `migration_from`."""
    rising_factor: float = 3.0
    migration_from: date = date(2025, 7, 1)

    # -- complaints
    complaint_probability: float = 0.06
    slow_share: float = 0.30
    slow_after_days: int = 7
    slow_factor: float = 0.60
    """What the purchase rate is multiplied by for good once a complaint has been open for `slow_after_days`."""
    slow_leaver_share: float = 0.35
    """Of complaints handled slowly: the customer never orders again from that day on."""
    never_closed_share: float = 0.01

    # -- campaigns
    campaign_days: int = 60
    campaigns: tuple[Campaign, ...] = field(default_factory=_campaigns)

    # -- satisfaction
    trait_rate_weight: float = 0.45
    """Correlation of the satisfaction trait with the (logistic) rank of the purchase rate."""
    trait_dropout_weight: float = -0.35
    """The same with the rank of the dropout probability."""
    drivers: tuple[Driver, ...] = field(default_factory=_drivers)
    satisfaction_base: float = 6.7
    satisfaction_noise: float = 0.60
    invited_share: float = 0.40
    response: Mapping[str, float] = field(
        default_factory=lambda: {"web": 0.36, "store": 0.20, "marketplace": 0.18, "phone": 0.30}
    )
    """Chance that an invited customer answers, by the order's channel; `weight` corrects for it."""
    dissatisfied_response_factor: float = 0.70
    """What the chance is multiplied by at a satisfaction under 5; no weight corrects for it."""
    missing_share: float = 0.03

    # -- service plan: shifted-beta-geometric churn per month (Fader and Hardie 2007)
    plan_share: float = 0.24
    plan_alpha: float = 0.90
    plan_beta: float = 11.0
    upgrade_probability: float = 0.015
    downgrade_probability: float = 0.008
    reactivation_share: float = 0.12
    plans: Mapping[str, float] = field(
        default_factory=lambda: {"Basic": 4.99, "Plus": 9.99, "Premium": 19.99}
    )

    dirt: Dirt = field(default_factory=Dirt)

    @property
    def start(self) -> date:
        """First day with data."""
        return self.end.replace(year=self.end.year - self.years)

    @property
    def n_days(self) -> int:
        """Length of the observed window in days."""
        return (self.end - self.start).days

    def day(self, when: date) -> int:
        """Give the number of days from the start of the window."""
        return (when - self.start).days

    def season_by_day(self) -> NDArray[np.float64]:
        """Give the factor of month and weekday for each day of the window."""
        days = np.datetime64(self.start) + np.arange(self.n_days)
        month = days.astype("datetime64[M]").astype(np.int64) % 12
        weekday = (days.astype(np.int64) + _EPOCH_WEEKDAY) % 7
        return np.asarray(np.asarray(self.season)[month] * np.asarray(self.weekday)[weekday])

    def plain(self) -> Self:
        """Give the same company without anything that bends the purchase process.

        What remains is BG/NBD by channel and gamma-gamma exactly: no season, nobody fading or rising, no harm
        from slow handling, campaigns without effect.
        """
        return replace(
            self,
            season=(1.0,) * 12,
            weekday=(1.0,) * 7,
            fading_share=0.0,
            rising_share=0.0,
            slow_factor=1.0,
            slow_leaver_share=0.0,
            campaigns=tuple(replace(c, uplift=0.0) for c in self.campaigns),
        )
