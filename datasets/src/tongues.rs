//! What people ask in other languages and scripts: requests built around word lists, with or without spaces.

use crate::lexicon::{self, Words, word};
use crate::rng::Rng;

/// How text of a language is made.
pub(crate) struct Tongue {
    /// The name, as an innocent user would call it.
    pub(crate) name: &'static str,
    words: &'static Words,
    /// What makes new words of old ones, where the list is short.
    compounds: Compounds,
    openers: &'static [&'static str],
    joiners: &'static [&'static str],
    closers: &'static [&'static str],
    /// How words are parted.
    space: &'static str,
    stop: &'static str,
}

/// How a language makes words beyond its list.
enum Compounds {
    /// It does not.
    None,
    /// Two words of the list in one, or one with an ending.
    Endings(&'static [&'static str]),
    /// A particle before the word.
    Prefixes(&'static [&'static str]),
    /// Two characters of another list.
    Pairs(&'static Words),
}

/// All languages but English, the commoner ones first (`pick` prefers them).
pub(crate) static TONGUES: [Tongue; 18] = [
    Tongue {
        name: "zh",
        words: &lexicon::ZH,
        compounds: Compounds::Pairs(&lexicon::ZH_CHAR),
        openers: &[
            "如何",
            "请问",
            "为什么",
            "写一篇关于",
            "帮我",
            "怎样才能",
            "什么是",
            "解释",
            "比较",
            "列出",
            "翻译",
            "给我推荐",
            "我想",
            "总结",
            "能否",
            "设计",
            "分析",
        ],
        joiners: &[
            "的", "和", "在", "与", "对", "是", "了", "从", "把", "比", "给", "为", "让", "被", "或", "而", "上", "里",
        ],
        closers: &["？", "。", "吗？", "呢", "，谢谢", "，要简短", "，举例说明", ""],
        space: "",
        stop: "，",
    },
    Tongue {
        name: "es",
        words: &lexicon::ES,
        compounds: Compounds::None,
        openers: &[
            "¿cómo",
            "¿qué",
            "¿por qué",
            "escribe",
            "explica",
            "dame",
            "necesito",
            "ayúdame con",
            "¿cuál",
            "traduce",
            "resume",
            "quiero",
            "compara",
            "¿dónde",
            "haz",
        ],
        joiners: &[
            "de", "la", "el", "con", "para", "y", "en", "un", "una", "por", "sin", "que", "los", "mi", "sobre", "se",
            "no", "pero",
        ],
        closers: &["?", ".", ", gracias", " por favor", "", "!"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "ar",
        words: &lexicon::AR,
        compounds: Compounds::Prefixes(&["ال", "و", "ب", "ل", "وال", "بال", "لل", "ف", "ك", "س"]),
        openers: &[
            "كيف",
            "ما هو",
            "لماذا",
            "اكتب",
            "اشرح",
            "أريد",
            "هل",
            "ما الفرق بين",
            "ترجم",
            "لخص",
            "أعطني",
            "ساعدني في",
            "متى",
            "أين",
            "قارن",
        ],
        joiners: &["في", "من", "على", "إلى", "مع", "و", "عن", "أو", "التي", "بعد", "قبل", "هذا", "بين", "كل", "ثم"],
        closers: &["؟", ".", " شكرا", "", " من فضلك", "!"],
        space: " ",
        stop: "، ",
    },
    Tongue {
        name: "ja",
        words: &lexicon::JA,
        compounds: Compounds::None,
        openers: &["", "どうやって", "なぜ", "教えて、", "要約して：", "例えば", "この", "私の", "次の", "もし"],
        joiners: &["の", "を", "に", "が", "は", "と", "で", "から", "まで", "より", "も", "や", "へ"],
        closers: &["ですか？", "を教えてください。", "とは？", "について書いて", "。", "ありますか"],
        space: "",
        stop: "、",
    },
    Tongue {
        name: "ru",
        words: &lexicon::RU,
        compounds: Compounds::None,
        openers: &[
            "как",
            "почему",
            "напиши",
            "что такое",
            "объясни",
            "мне нужен",
            "помоги",
            "сравни",
            "переведи",
            "где",
            "сколько",
            "можно ли",
            "составь",
            "когда",
        ],
        joiners: &["и", "в", "на", "с", "для", "не", "по", "из", "или", "у", "о", "без", "это", "к", "под", "за"],
        closers: &["?", ".", ", спасибо", "", " пожалуйста", "!"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "fr",
        words: &lexicon::FR,
        compounds: Compounds::None,
        openers: &[
            "comment",
            "pourquoi",
            "écris",
            "explique",
            "quelle est",
            "donne-moi",
            "je veux",
            "résume",
            "traduis",
            "compare",
            "où",
            "aide-moi à",
            "peux-tu",
        ],
        joiners: &[
            "de", "la", "le", "et", "pour", "un", "une", "avec", "sans", "dans", "sur", "en", "ou", "que", "mon", "des",
        ],
        closers: &[" ?", ".", ", merci", "", " svp", " !"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "pt",
        words: &lexicon::PT,
        compounds: Compounds::None,
        openers: &[
            "como",
            "por que",
            "escreva",
            "explique",
            "qual",
            "quero",
            "preciso de",
            "resuma",
            "me ajude com",
            "compare",
            "onde",
            "crie",
            "liste",
        ],
        joiners: &[
            "de", "o", "a", "e", "para", "com", "sem", "em", "um", "uma", "não", "que", "mas", "por", "meu", "sobre",
        ],
        closers: &["?", ".", ", obrigado", "", " por favor", "!"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "de",
        words: &lexicon::DE,
        compounds: Compounds::Endings(&[
            "haus", "werk", "zeit", "plan", "kosten", "frage", "bau", "weg", "markt", "stelle", "recht", "teil",
            "leiter", "dienst", "ware", "schule", "buch", "amt", "raum", "karte",
        ]),
        openers: &[
            "wie",
            "warum",
            "schreibe",
            "erkläre",
            "was ist",
            "welche",
            "ich brauche",
            "hilf mir mit",
            "vergleiche",
            "übersetze",
            "wo",
            "fasse zusammen:",
        ],
        joiners: &[
            "und", "der", "die", "das", "mit", "für", "ohne", "ein", "eine", "auf", "im", "zu", "nicht", "oder", "von",
            "beim",
        ],
        closers: &["?", ".", ", danke", "", " bitte", "!"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "ko",
        words: &lexicon::KO,
        compounds: Compounds::None,
        openers: &["어떻게", "왜", "설명해줘", "요약", "추천", "내", "번역:", "비교", "이", "만약", ""],
        joiners: &["그리고", "또는", "위해", "대한", "같은", "및", "없이", "에서", "보다", "하지만"],
        closers: &["?", " 알려줘", " 써줘", ".", " 부탁해요", ""],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "tr",
        words: &lexicon::TR,
        compounds: Compounds::None,
        openers: &[
            "nasıl",
            "neden",
            "yaz",
            "açıkla",
            "nedir",
            "hangi",
            "bana",
            "özetle",
            "çevir",
            "karşılaştır",
            "nerede",
            "kaç",
        ],
        joiners: &["ve", "ile", "için", "bir", "bu", "veya", "gibi", "ama", "çok", "en", "daha", "sonra"],
        closers: &["?", ".", " lütfen", "", " teşekkürler", "!"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "pl",
        words: &lexicon::PL,
        compounds: Compounds::None,
        openers: &["jak", "dlaczego", "napisz", "wyjaśnij", "co to", "potrzebuję", "porównaj", "gdzie", "podaj", "czy"],
        joiners: &["i", "w", "na", "z", "do", "nie", "dla", "o", "lub", "bez", "się", "po"],
        closers: &["?", ".", ", dzięki", "", " proszę"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "it",
        words: &lexicon::IT,
        compounds: Compounds::None,
        openers: &[
            "come",
            "perché",
            "scrivi",
            "spiega",
            "qual è",
            "vorrei",
            "aiutami con",
            "confronta",
            "riassumi",
            "dove",
            "traduci",
        ],
        joiners: &["di", "la", "il", "e", "per", "con", "senza", "un", "una", "in", "su", "che", "ma"],
        closers: &["?", ".", ", grazie", "", " per favore", "!"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "fa",
        words: &lexicon::FA,
        compounds: Compounds::Endings(&["ها", "های", "ی", "ش", "ات", "گر", "گاه", "مند"]),
        openers: &["چگونه", "چرا", "بنویس", "توضیح بده", "چیست", "کدام", "می‌خواهم", "خلاصه کن", "کجا", "مقایسه"],
        joiners: &["و", "در", "از", "با", "به", "برای", "یا", "این", "بدون", "تا", "که"],
        closers: &["؟", ".", " ممنون", "", " لطفا"],
        space: " ",
        stop: "، ",
    },
    Tongue {
        name: "cs",
        words: &lexicon::CS,
        compounds: Compounds::None,
        openers: &["jak", "proč", "napiš", "vysvětli", "co je", "který", "potřebuji", "porovnej", "kde", "shrň"],
        joiners: &["a", "v", "na", "s", "do", "pro", "nebo", "bez", "se", "k", "o"],
        closers: &["?", ".", ", díky", "", " prosím"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "nl",
        words: &lexicon::NL,
        compounds: Compounds::Endings(&[
            "plan", "werk", "huis", "tijd", "kosten", "prijs", "dag", "zaak", "school", "kaart", "raad",
        ]),
        openers: &[
            "hoe",
            "waarom",
            "schrijf",
            "leg uit",
            "wat is",
            "welke",
            "ik zoek",
            "help met",
            "vergelijk",
            "waar",
        ],
        joiners: &["en", "de", "het", "een", "met", "voor", "zonder", "in", "op", "van", "of"],
        closers: &["?", ".", ", bedankt", "", " graag"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "el",
        words: &lexicon::EL,
        compounds: Compounds::Prefixes(&["αντι", "υπερ", "προ", "συν", "ανα", "κατα", "παρα", "δια", "μετα", "επι"]),
        openers: &["πώς", "γιατί", "γράψε", "εξήγησε", "τι είναι", "ποιο", "θέλω", "σύγκρινε", "πού"],
        joiners: &["και", "το", "η", "με", "για", "χωρίς", "στο", "από", "ή", "ένα"],
        closers: &[";", ".", ", ευχαριστώ", "", " παρακαλώ"],
        space: " ",
        stop: ", ",
    },
    Tongue {
        name: "th",
        words: &lexicon::TH,
        compounds: Compounds::Endings(&["การ", "ความ", "ใหม่", "ใหญ่", "ดี", "เก่า", "น้ำ", "บ้าน"]),
        openers: &["ทำไม", "อย่างไร", "เขียน", "อธิบาย", "ช่วย", "อะไรคือ", "แปล", "เปรียบเทียบ"],
        joiners: &["และ", "กับ", "ใน", "ที่", "ของ", "หรือ", "ไม่", "ให้", "จาก"],
        closers: &["", "ครับ", "คะ", "?", "หน่อย"],
        space: "",
        stop: " ",
    },
    Tongue {
        name: "zh",
        words: &lexicon::ZH_CHAR,
        compounds: Compounds::Pairs(&lexicon::ZH_CHAR),
        openers: &["请", "怎么", "关于", "我们公司", "老师说", "", "问：", "昨天", "有人"],
        joiners: &["的", "和", "在", "不", "是", "之", "以", "于", "中"],
        closers: &["？", "。", "！", "", "吗"],
        space: "",
        stop: "，",
    },
];

/// The language of a person, by a number that belongs to the account.
pub(crate) fn tongue(rng: &mut Rng) -> &'static Tongue {
    let at = rng.skewed(TONGUES.len());
    TONGUES.get(at).unwrap_or(&TONGUES[0])
}

impl Tongue {
    /// Writes one request of about `words` words.
    pub(crate) fn ask(&self, rng: &mut Rng, words: u64, out: &mut String) {
        let opener = rng.pick(self.openers);
        out.push_str(opener);
        if !opener.is_empty() {
            out.push_str(self.space);
        }
        self.run(rng, words.max(3), out);
        out.push_str(rng.pick(self.closers));
    }

    /// Writes a short reply inside a conversation.
    pub(crate) fn follow_up(&self, rng: &mut Rng, out: &mut String) {
        self.run(rng, 2, out);
        out.push_str(rng.pick(self.closers));
    }

    /// Writes sentences of about `bytes` bytes.
    pub(crate) fn prose(&self, rng: &mut Rng, bytes: usize, out: &mut String) {
        let end = out.len() + bytes;
        while out.len() < end {
            let words = rng.between(5, 16);
            self.run(rng, words, out);
            out.push_str(if self.space.is_empty() { "。" } else { ". " });
        }
    }

    fn run(&self, rng: &mut Rng, words: u64, out: &mut String) {
        let mut content = true;
        for i in 0..words {
            if i > 0 {
                out.push_str(if rng.chance(0.07) { self.stop } else { self.space });
            }
            if content {
                self.content(rng, out)
            } else {
                out.push_str(rng.pick(self.joiners))
            }
            content = !content || rng.chance(0.35);
        }
    }

    fn content(&self, rng: &mut Rng, out: &mut String) {
        if let Compounds::Pairs(characters) = self.compounds
            && rng.chance(0.6)
        {
            for _ in 0..2 {
                out.push_str(characters.get(rng.at(characters.len())).copied().unwrap_or(""));
            }
            return;
        }
        let composed = rng.chance(0.4);
        if let Compounds::Prefixes(list) = self.compounds {
            out.push_str(if composed { rng.pick(list) } else { "" });
        }
        out.push_str(word(self.words, rng));
        if let Compounds::Endings(list) = self.compounds {
            out.push_str(if composed { rng.pick(list) } else { "" });
        }
    }
}
