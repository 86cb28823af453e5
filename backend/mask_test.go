package understudy

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var (
	digits = regexp.MustCompile(`[0-9]+`)
	ids    = regexp.MustCompile(`[\pL_-]*[0-9][\pL0-9_-]*`)
	spaces = regexp.MustCompile(`\s+`)
)

func FuzzMask(f *testing.F) {
	for _, s := range []string{"", " a\t\n b ", "Order AB-12x, née Ö3ö", "a1b_-c 22 -", "\xff1\xffa\u00a0", "İ9 K-1 ǅ", "日本3語 x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := strings.TrimSpace(spaces.ReplaceAllString(s, " "))
		if got := fold(s); got != folded {
			t.Errorf("fold %q: %q, want %q", s, got, folded)
		}
		if got, want := maskDigits(s), digits.ReplaceAllString(s, "#"); got != want {
			t.Errorf("maskDigits %q: %q, want %q", s, got, want)
		}
		if got, want := mask(s), ids.ReplaceAllString(strings.ToLower(folded), "#"); got != want {
			t.Errorf("mask %q: %q, want %q", s, got, want)
		}
		raw, _ := json.Marshal(s)
		var want string
		_ = json.Unmarshal(raw, &want)
		if got := (Message{Content: raw}).Text(); got != want {
			t.Errorf("text of %s: %q", raw, got)
		}
	})
}
