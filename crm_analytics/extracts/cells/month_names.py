"""Month names and weekday-free zone words in the languages extracts are written in."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (
    "january jan januar jänner jaenner janvier janv enero ene gennaio gen januari janeiro styczeń stycznia sty leden ledna tammikuu",
    "february feb februar febr feber février fevrier févr fév fevr febrero febbraio februari fevereiro fev luty lutego lut únor února",
    "march mar märz maerz mär mrz mars marzo marz maart mrt março marco marzec marca březen března mart",
    "april apr avril avr abril abr aprile kwiecień kwietnia kwi duben dubna",
    "may mai mayo maggio mag mei maio maj maja květen května",
    "june jun juni juin junio giugno giu junho czerwiec czerwca cze červen června",
    "july jul juli juillet juil julio luglio lug julho lipiec lipca lip červenec července",
    "august aug août aout aoû agosto ago augustus agustus sierpień sierpnia sie srpen srpna augusti",
    "september sep sept septembre septiembre settembre set sett setembro wrzesień września wrz září",
    "october oct oktober okt octobre octubre ottobre ott outubro out październik października paź říjen října",
    "november nov novembre noviembre novembro listopad listopada lis",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro grudzień grudnia gru prosinec prosince desember des",
)

MONTHS: Final = {name: month for month, names in enumerate(_NAMES, start=1) for name in names.split()}
"""Month number by name, in lower case: English, German, French, Spanish, Italian, Dutch, Portuguese, Polish, Czech and Nordic."""

ZONE_MINUTES: Final = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "met": 60, "mez": 60, "cest": 120, "mesz": 120,
    "eet": 120, "eest": 180, "msk": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "jst": 540, "aest": 600, "aedt": 660,
}  # fmt: skip
"""Minutes east of UTC by the abbreviations that shops and payment providers export."""
