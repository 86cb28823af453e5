package hugot

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxPieces is where sentence-transformers cuts this model, [CLS] and [SEP] included.
	maxPieces = 256
	// maxBytes bounds the tokenizer's work on a text without white space.
	maxBytes = 64 << 10
)

// beginning returns so much of text that the rest cannot matter: each word with
// a letter, digit or sign is one word piece at least, so that 256 words fill the
// model. The result is valid UTF-8 without NUL, which ends a text in C.
func beginning(text string) string {
	words, inWord := 0, false
	end := len(text)
	for i, r := range text {
		space := unicode.IsSpace(r)
		if inWord && space {
			inWord = false
			if words++; words == maxPieces {
				end = i
				break
			}
		}
		inWord = !space && (inWord || unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S))
	}
	text = text[:end]
	if len(text) > maxBytes {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	if len(text) > maxBytes {
		end = maxBytes
		for end > maxBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}
