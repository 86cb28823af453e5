"""Writes the vectors that sentence-transformers gives for a few hard texts.

    python golden.py MINILM_DIR > ../internal/hugot/testdata/golden.json

A number stands for a text too long to read: that many repetitions of its word.
Run it again only when the texts change; the tests compare both backends with it.
"""

import json
import sys

from sentence_transformers import SentenceTransformer

TEXTS = [
    {"text": "Where is my parcel?"},
    {"text": "The parcel is late."},
    {"text": "Your package is delayed."},
    {"text": ""},
    {"text": " \n\t "},
    {"text": '{"intent": "refund", "urgent": false, "order": null, "amount": 12.50}'},
    {"text": "Ünïcödé, naïve façade; ÇA VA? Straße ŁÓDŹ"},
    {"text": "你好，我的包裹在哪里？ 注文はまだですか。 주문이 늦어요"},
    {"text": "مرحبا، أين طلبي؟ Где моя посылка? שלום"},
    {"text": "thanks 🎉👍🏽 you're the best!!! \u200b\u00ad#1 \ufffd \x00nul \x07bell"},
    {"text": "don't-stop_me.now@example.com https://example.com/a?b=c&d=e $1,234.56 50%"},
    {"text": "pneumonoultramicroscopicsilicovolcanoconiosis " + "x" * 101 + " end"},
    {"text": "[CLS] special [SEP] words [MASK] and [UNK] inside [PAD]"},
    {"text": "parcel ", "times": 254},
    {"text": "parcel ", "times": 255},
    {"text": "The order is late, unbelievably! ", "times": 300},
]


def main(source):
    model = SentenceTransformer(source, device="cpu")
    for case in TEXTS:
        vector = model.encode(case["text"] * case.get("times", 1))
        case["vector"] = [round(float(x), 6) for x in vector]
    print("[\n" + ",\n".join(json.dumps(case) for case in TEXTS) + "\n]")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: golden.py MINILM_DIR")
    main(sys.argv[1])
