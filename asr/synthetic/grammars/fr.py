"""French sentences."""

VOICE = "fr"

PATTERNS = (
    "{subject} {verb} {place}",
    "{subject} {sees} {object}",
    "{subject} {sees} {object} {place}",
    "{time} {subject} {verb} {place}",
    "{time} {subject} {sees} {number} {things}",
    "nous {want} {number} {things}",
    "il y a {number} {things} {place}",
    "merci de {order} {object}",
    "pourquoi {subject} {verb} {place}",
    "ma {family} et moi {want} {object} {time}",
)

WORDS = {
    "subject": (
        "le vieil homme|la jeune femme|le petit garçon|mon frère|notre voisine|le maître fatigué|la boulangère|"
        "le chien noir|la chatte blanche|le cheval brun|un touriste perdu|la reine joyeuse|Marie|Pierre|"
        "la grande fille|le gentil facteur"
    ),
    "object": (
        "la pomme rouge|le vieux livre|la bouteille verte|une longue lettre|le vélo neuf|la soupe chaude|"
        "le petit oiseau|la grande fenêtre|un sac lourd|le manteau gris|le pain frais|la fleur jaune|"
        "la haute tour|une boîte vide|le train rapide|la maison tranquille"
    ),
    "verb": "dort|attend|travaille|joue|chante|habite|marche|danse|mange|arrive",
    "sees": "regarde|trouve|achète|dessine|cherche|apporte|montre|oublie|vend|nettoie",
    "want": "voulons|cherchons|comptons|gardons|apportons|achetons|partageons",
    "order": "ouvrir|prendre|chercher|montrer|garder|cacher|fermer",
    "family": "mère|sœur|tante|cousine|fille|famille",
    "number": "deux|trois|quatre|cinq|six|sept|huit|neuf|dix|douze",
    "things": "livres|pommes|oiseaux|maisons|verres|fleurs|lettres|chaises|bougies|chiens|tables|cartes|bateaux",
    "place": (
        "dans le jardin|près de la rivière|sur la montagne|devant la gare|derrière la maison|sous le pont|"
        "au bord du lac|dans la cuisine|au marché|dans la forêt sombre|dans la rue"
    ),
    "time": "demain|hier|chaque matin|le soir|en juillet|ce midi|le lundi|parfois|en hiver",
}
