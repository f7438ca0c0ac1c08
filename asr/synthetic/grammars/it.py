"""Italian sentences."""

VOICE = "it"

PATTERNS = (
    "{subject} {verb} {place}",
    "{subject} {sees} {object}",
    "{subject} {sees} {object} {place}",
    "{time} {subject} {verb} {place}",
    "{time} {subject} {sees} {number} {things}",
    "noi {want} {number} {things}",
    "ci sono {number} {things} {place}",
    "per favore {order} {object}",
    "perché {subject} {verb} {place}",
    "mia {family} e io {want} {object} {time}",
)

WORDS = {
    "subject": (
        "il vecchio signore|la giovane donna|il bambino piccolo|mio fratello|la nostra vicina|il maestro stanco|"
        "la dottoressa|il cane nero|la gatta bianca|il cavallo bruno|un turista perso|la cuoca allegra|Anna|Pietro|"
        "la ragazza alta|il postino gentile"
    ),
    "object": (
        "la mela rossa|il libro antico|la bottiglia verde|una lettera lunga|la bicicletta nuova|la zuppa calda|"
        "il piccolo uccello|la grande finestra|una borsa pesante|il cappotto grigio|il pane fresco|il fiore giallo|"
        "la torre alta|una scatola vuota|il treno veloce|la casa tranquilla"
    ),
    "verb": "dorme|aspetta|lavora|gioca|canta|abita|cammina|balla|riposa|arriva",
    "sees": "guarda|trova|compra|dipinge|cerca|porta|mostra|dimentica|vende|pulisce",
    "want": "vogliamo|cerchiamo|contiamo|teniamo|portiamo|compriamo|dividiamo",
    "order": "apri|prendi|cerca|mostra|porta|tieni|chiudi",
    "family": "madre|sorella|zia|nonna|cugina|figlia",
    "number": "due|tre|quattro|cinque|sei|sette|otto|nove|dieci|dodici",
    "things": "libri|mele|uccelli|case|scarpe|bicchieri|fiori|lettere|sedie|candele|cani|tavoli|mappe|navi",
    "place": (
        "nel giardino|vicino al fiume|sulla montagna|davanti alla scuola|dietro la casa|sotto il ponte|"
        "accanto alla stazione|in cucina|al mercato|nel bosco scuro|per strada"
    ),
    "time": "oggi|ieri|ogni mattina|la sera|in estate|dopo cena|di lunedì|a volte|in inverno",
}
