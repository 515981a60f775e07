"""Small data sets of R's survival package, with which its figures were made.

aml: Miller, R. G. (1997), Survival Analysis, page 49. ovarian: Edmunson, J. H. et al. (1979), Cancer Treatment Reports 63, 241-247.
lung: Loprinzi, C. L. et al. (1994), Journal of Clinical Oncology 12, 601-607 (time and sex alone). A plus marks the censored.
"""

from __future__ import annotations

import numpy as np

from crm_analytics.stats.survival import lives

AML_MAINTAINED = "9 13 13+ 18 23 28+ 31 34 45+ 48 161+"
AML_NOT_MAINTAINED = "5 5 8 8 12 16+ 23 27 30 33 43 45"

LUNG_MEN = (
    "306 455 1010+ 210 883 1022+ 218 166 170 71 567 144 613 707 88 301 624 371 394 574 118 390 12 26 533 53 814 93 460 583 "
    "303 519 643 189 53 246 689 65 132 223 175 163 65 428 230 840+ 11 132 11 176 791 95 196+ 806+ 284 147 163 655 239 88 30 "
    "179 310 477 364 107 177 156 11 429 15 181 283 13 212 524 288 363 442 54 558 207 92 60 202 353 267 387 457 337 404+ 222 "
    "458+ 353 163 31 229 444+ 156 329 291 179 292+ 142 413+ 320 181 285 301+ 197 303+ 180 300+ 284+ 259+ 110 286 270 81 131 "
    "225+ 269 225+ 279+ 135 59 105 237+ 221+ 185+ 13 222+ 183 197+ 116 188+ 191+ 174+"
)
LUNG_WOMEN = (
    "310 361 654 728 61 81 520 473 107 122 965+ 731 153 433 145 95 765 735 5 687 345 444 60 208 821+ 305 226 426 705 363 "
    "167 641 740+ 245 588+ 166 559+ 450 529+ 351 201 524 199 550 551+ 543+ 293 511+ 511+ 371 201 62 356+ 340 315+ 182 364+ "
    "376+ 384+ 268 266+ 194 348 382+ 296+ 186 145 269+ 350 272+ 292+ 332+ 285 243+ 276+ 79 240+ 202+ 235+ 224+ 239 173+ "
    "252+ 92+ 192+ 211+ 175+ 203+ 105+ 177+"
)

OVARIAN = """
59 1 72.3315 1 1;115 1 74.4932 1 1;156 1 66.4658 1 2;421 0 53.3644 2 1;431 1 50.3397 1 1;448 0 56.4301 1 2;464 1 56.9370 2 2
475 1 59.8548 2 2;477 0 64.1753 1 1;563 1 55.1781 2 2;638 1 56.7562 1 2;744 0 50.1096 2 1;769 0 59.6301 2 2;770 0 57.0521 2 1
803 0 39.2712 1 1;855 0 43.1233 1 2;1040 0 38.8932 1 2;1106 0 44.6000 1 1;1129 0 53.9068 2 1;1206 0 44.2055 2 1
1227 0 59.5890 2 2;268 1 74.5041 1 2;329 1 43.1370 1 1;353 1 63.2192 2 2;365 1 64.4247 2 1;377 0 58.3096 2 1
"""
"""futime, fustat, age, rx, ecog.ps"""


def times(text):
    """Give times and whether the event was seen."""
    marks = text.split()
    return np.array([float(m.rstrip("+")) for m in marks]), np.array([not m.endswith("+") for m in marks])


def grouped(*texts):
    """Give durations of several groups together, and which group each is of."""
    parts = [times(t) for t in texts]
    exit_, event = (np.concatenate(p) for p in zip(*parts, strict=True))
    return lives(exit_, event), np.repeat(np.arange(len(parts)), [len(p[0]) for p in parts])


def ovarian():
    """Give durations, and age, treatment and ECOG status as columns."""
    rows = np.array(
        [[float(x) for x in r.split()] for r in OVARIAN.replace("\n", ";").split(";") if r.strip()]
    )
    return lives(rows[:, 0], rows[:, 1] == 1), rows[:, 2:]
