package hugot

import (
	"strings"
	"unicode"
)

const (
	// maxPieces is where sentence-transformers cuts this model, [CLS] and [SEP] included.
	maxPieces = 256
	// maxBytes bounds the tokenizer's work on a text without white space.
	maxBytes = 64 << 10
)

// beginning returns so much of text that the rest cannot matter, cleaned as
// BERT's normalizer would: without control and format characters and what is
// not UTF-8, white space folded. The tokenizers clean too, but not all alike,
// and one of them ends a text at NUL. A word with a letter, digit or sign is one
// word piece at least, so 256 of them fill the model.
func beginning(text string) string {
	var out strings.Builder
	words, gap, counted := 0, false, false
	for _, r := range text {
		if r == unicode.ReplacementChar || unicode.Is(unicode.C, r) && r != '\t' && r != '\n' && r != '\r' {
			continue
		}
		if unicode.IsSpace(r) {
			gap = out.Len() > 0
			continue
		}
		if gap {
			gap, counted = false, false
			if words == maxPieces {
				break
			}
			out.WriteByte(' ')
		}
		if !counted && unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) {
			counted = true
			words++
		}
		if out.WriteRune(r); out.Len() >= maxBytes {
			break
		}
	}
	return out.String()
}
