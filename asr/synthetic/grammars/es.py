"""Spanish sentences."""

VOICE = "es"

PATTERNS = (
    "{subject} {verb} {place}",
    "{subject} {sees} {object}",
    "{subject} {sees} {object} {place}",
    "{time} {subject} {verb} {place}",
    "{time} {subject} {sees} {number} {things}",
    "nosotros {want} {number} {things}",
    "hay {number} {things} {place}",
    "por favor {order} {object}",
    "por qué {verb} {subject} {place}",
    "mi {family} y yo {want} {object} {time}",
)

WORDS = {
    "subject": (
        "el hombre viejo|la mujer joven|el niño pequeño|mi hermano|nuestra vecina|el maestro cansado|la doctora|"
        "el perro negro|la gata blanca|el caballo marrón|un turista perdido|la cocinera alegre|Ana|Pedro|"
        "la señora alta|el muchacho tranquilo"
    ),
    "object": (
        "la manzana roja|el libro antiguo|la botella verde|una carta larga|la bicicleta nueva|la sopa caliente|"
        "el pájaro azul|la ventana grande|una bolsa pesada|el abrigo gris|el pan fresco|la flor amarilla|"
        "la torre alta|una caja vacía|el tren rápido|la casa silenciosa"
    ),
    "verb": "duerme|espera|trabaja|juega|canta|vive|camina|baila|descansa|llega",
    "sees": "mira|encuentra|compra|pinta|busca|trae|muestra|olvida|vende|limpia",
    "want": "queremos|necesitamos|contamos|buscamos|traemos|compramos|guardamos",
    "order": "abre|toma|busca|enseña|trae|guarda|cierra",
    "family": "madre|padre|hermana|tío|abuela|amiga",
    "number": "dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce",
    "things": "libros|manzanas|pájaros|casas|zapatos|vasos|flores|cartas|sillas|velas|perros|mesas|mapas|barcos",
    "place": (
        "en el jardín|cerca del río|sobre la montaña|delante de la escuela|detrás de la casa|bajo el puente|"
        "junto a la estación|en la cocina|en el mercado|por el bosque oscuro|en la calle"
    ),
    "time": "hoy|ayer|cada mañana|por la noche|en verano|después de comer|el lunes|a veces|en invierno",
}
