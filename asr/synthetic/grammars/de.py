"""German sentences."""

VOICE = "de"

PATTERNS = (
    "{subject} {verb} {place}",
    "{subject} {sees} {object}",
    "{subject} {sees} {object} {place}",
    "{time} {verb} {subject} {place}",
    "{time} {sees} {subject} {number} {things}",
    "wir {want} {number} {things}",
    "{number} {things} liegen {place}",
    "bitte {order} {object}",
    "warum {verb} {subject} {place}",
    "meine {family} und {subject} {want} {object}",
)

WORDS = {
    "subject": (
        "der alte Mann|die junge Frau|das kleine Kind|mein Bruder|unsere Nachbarin|der müde Lehrer|die Ärztin|"
        "der schwarze Hund|die weiße Katze|das braune Pferd|ein fremder Gast|der fleißige Bauer|Anna|Peter|"
        "das fröhliche Mädchen|der große Junge"
    ),
    "object": (
        "den roten Apfel|das alte Buch|die grüne Flasche|einen langen Brief|ein neues Fahrrad|die warme Suppe|"
        "den kleinen Vogel|das helle Fenster|die schwere Tasche|einen blauen Mantel|das frische Brot|"
        "die gelbe Blume|den hohen Turm|eine leere Schachtel|den schnellen Zug|das stille Haus"
    ),
    "verb": "schläft|wartet|arbeitet|spielt|lacht|singt|wohnt|steht|sitzt|tanzt",
    "sees": "sieht|findet|kauft|malt|sucht|bringt|zeigt|vergisst|verkauft|putzt",
    "want": "kaufen|brauchen|zählen|suchen|bringen|teilen|holen",
    "order": "öffne|nimm|suche|zeige|hole|behalte|verstecke",
    "family": "Mutter|Schwester|Tante|Oma|Freundin|Kusine",
    "number": "zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf",
    "things": "Bücher|Äpfel|Vögel|Häuser|Schuhe|Gläser|Blumen|Briefe|Stühle|Kerzen|Hunde|Tische|Karten|Schiffe",
    "place": (
        "im Garten|am Fluss|auf dem Berg|vor der Schule|hinter dem Haus|unter der Brücke|neben dem Bahnhof|"
        "in der Küche|auf dem Markt|im dunklen Wald|an der Straße"
    ),
    "time": "heute|gestern|jeden Morgen|am Abend|im Sommer|nach dem Essen|am Montag|manchmal|im Winter",
}
