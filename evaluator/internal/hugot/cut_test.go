package hugot

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBeginning(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"keeps a short text", "Where is it?", "Where is it?"},
		{"folds white space", " a\t\n b\u00a0c ", "a b c"},
		{"takes out what BERT takes out", "a\x00b\u200bc\ufffdd\x07e\xff", "abcde"},
		{"keeps 256 words", strings.Repeat("w ", 300), strings.TrimSpace(strings.Repeat("w ", 256))},
		{"keeps 64 KiB of one word", strings.Repeat("w", 100_000), strings.Repeat("w", maxBytes)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := beginning(c.text); got != c.want {
				t.Errorf("got %.60q, want %.60q", got, c.want)
			}
		})
	}
}

func FuzzBeginningIsBoundedAndValid(f *testing.F) {
	f.Add("a\xffb c")
	f.Fuzz(func(t *testing.T, text string) {
		got := beginning(text)
		if !utf8.ValidString(got) || len(got) > maxBytes+utf8.UTFMax || strings.ContainsRune(got, 0) {
			t.Errorf("%q became %q", text, got)
		}
		if again := beginning(got); again != got {
			t.Errorf("%q became %q, and that %q", text, got, again)
		}
	})
}
