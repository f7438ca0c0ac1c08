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
    ).split("|"),
    "object": (
        "den roten Apfel|das alte Buch|die grüne Flasche|einen langen Brief|ein neues Fahrrad|die warme Suppe|"
        "den kleinen Vogel|das helle Fenster|die schwere Tasche|einen blauen Mantel|das frische Brot|"
        "die gelbe Blume|den hohen Turm|eine leere Schachtel|den schnellen Zug|das stille Haus"
    ).split("|"),
    "verb": "schläft wartet arbeitet spielt lacht singt wohnt steht sitzt tanzt".split(),
    "sees": "sieht findet kauft malt sucht bringt zeigt vergisst verkauft putzt".split(),
    "want": "kaufen|brauchen|zählen|suchen|bringen|teilen|holen".split("|"),
    "order": "öffne|nimm|suche|zeige|hole|behalte|verstecke".split("|"),
    "family": "Mutter Schwester Tante Oma Freundin Kusine".split(),
    "number": "zwei drei vier fünf sechs sieben acht neun zehn zwölf".split(),
    "things": "Bücher Äpfel Vögel Häuser Schuhe Gläser Blumen Briefe Stühle Kerzen Hunde Tische Karten Schiffe".split(),
    "place": (
        "im Garten|am Fluss|auf dem Berg|vor der Schule|hinter dem Haus|unter der Brücke|neben dem Bahnhof|in der Küche|"
        "auf dem Markt|im dunklen Wald|an der Straße"
    ).split("|"),
    "time": "heute|gestern|jeden Morgen|am Abend|im Sommer|nach dem Essen|am Montag|manchmal|im Winter".split("|"),
}
