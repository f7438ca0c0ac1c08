"""English sentences, in the voice of American English."""

VOICE = "en-us"

PATTERNS = (
    "the {adjective} {noun} {verb} {place}",
    "{person} {sees} the {adjective} {noun}",
    "{person} {sees} a {noun} {place}",
    "we {want} {number} {things} {time}",
    "{time} {person} {went} {place}",
    "please {order} the {noun} {place}",
    "{number} {things} are {place}",
    "why is the {noun} so {adjective}",
    "my {family} {sees} {number} {adjective} {things}",
    "the {noun} and the {noun} are {adjective}",
    "can you {order} my {adjective} {noun}",
    "{person} and my {family} {went} {place} {time}",
)

WORDS = {
    "adjective": "small|green|old|quiet|yellow|heavy|bright|cold|gentle|broken|wide|clean|strange|warm|dark",
    "noun": (
        "bird|house|river|garden|window|table|letter|horse|mountain|bottle|flower|train|teacher|kitchen|basket|candle|"
        "ship|jacket|bridge|island"
    ),
    "things": (
        "birds|houses|rivers|apples|windows|tables|letters|horses|bottles|flowers|trains|baskets|candles|ships|jackets|"
        "bridges|dogs|chairs|cups|books"
    ),
    "verb": "stands|waits|sleeps|shines|turns|rests|falls|moves",
    "sees": "found|painted|carried|bought|watched|remembered|followed|cleaned|sold|forgot",
    "want": "want|need|count|bring|collect|share",
    "went": "walked|played|worked|laughed|travelled|slept|danced|waited",
    "order": "open|close|take|find|move|keep|show|hide",
    "person": "she|he|anna|peter|the doctor|the farmer|my neighbor|our captain|the young woman|the tall boy",
    "family": "mother|father|sister|brother|uncle|cousin",
    "number": "two|three|four|five|six|seven|eight|nine|ten|twelve",
    "place": (
        "near the river|under the bridge|behind the school|on the hill|in the market|at the station|beside the lake|"
        "in the forest|across the street|on the beach"
    ),
    "time": "today|yesterday|every morning|last summer|after dinner|on monday|before school|in the evening",
}
