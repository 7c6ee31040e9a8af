"""A log in the plain form whose prompts are in another script: each English word is replaced by a word that the script's letters make.

usage: rewrite.py SCRIPT < LOG > OTHER     SCRIPT: chinese, japanese, thai, khmer, korean, arabic or devanagari

One word gives one word in every text, so that templates, rewordings and slots are what they were. Chinese, Japanese, Thai and Khmer
words follow each other without a space. A disguised word (look-alike letters, invisible characters) gives the word it looks like, with
an invisible character in it.
"""
import functools
import hashlib
import json
import re
import sys

HAN, KANA, HANGUL = range(0x4E00, 0x4E00 + 3000), range(0x3042, 0x3094), range(0xAC04, 0xAC04 + 28 * 399, 28)
# The letters of each script that short and long words take, letters a word of so many English ones has, spaces between words.
SCRIPTS = {
    "chinese": ((HAN, HAN), lambda n: 1 if n < 4 else 2 if n < 10 else 3, False),
    "japanese": ((KANA, HAN), lambda n: (n + 1) // 2 if n < 6 else 2, False),
    "thai": ((range(0xE01, 0xE2F),) * 2, lambda n: n, False),
    "khmer": ((range(0x1780, 0x17B4),) * 2, lambda n: n, False),
    "korean": ((HANGUL, HANGUL), lambda n: (n + 1) // 2, True),
    "arabic": ((range(0x627, 0x64B),) * 2, lambda n: n, True),
    "devanagari": ((range(0x905, 0x93A),) * 2, lambda n: n, True),
}
if len(sys.argv) != 2 or sys.argv[1] not in SCRIPTS:
    sys.exit(__doc__)
letters, length, spaced = SCRIPTS[sys.argv[1]]

LOOK_ALIKES, LOOKED_LIKE, INVISIBLE = "асеіјорѕхуνАВЕНКМОТ", "aceijopsxyvABEHKMOT", "\u200b\u200c\u200d\u2060\ufeff"
DISGUISES = str.maketrans(LOOK_ALIKES, LOOKED_LIKE, INVISIBLE)
WORD = f"[A-Za-z'{LOOK_ALIKES}{INVISIBLE}]+"
RUN = re.compile(f"{WORD}(?: +{WORD})*")


@functools.cache
def other(word):
    if not re.search("[A-Za-z]", word):
        return word
    plain = word.translate(DISGUISES).lower()
    alphabet = letters[len(plain) >= 6]
    digest = hashlib.blake2b(plain.encode(), digest_size=4 * 16).digest()
    drawn = (int.from_bytes(digest[4 * (n % 16) :][:4], "big") / 2**32 for n in range(length(len(plain))))
    # The square: letters are not equally frequent.
    found = "".join(chr(alphabet[int(len(alphabet) * share**2)]) for share in drawn)
    return found if plain == word.lower() else f"{found[:1]}\u200b{found[1:]}"


for line in sys.stdin:
    row = json.loads(line)
    joint = " " if spaced else ""
    row["prompt"] = RUN.sub(lambda run: joint.join(other(word) for word in run.group().split(" ") if word), row["prompt"])
    print(json.dumps(row, ensure_ascii=False))
