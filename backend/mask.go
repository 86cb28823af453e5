package understudy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// These run for every captured request, which is why they are no regular
// expressions; the test has the expressions that they stand for.

// fold makes each run of white space one space and cuts it at both ends.
func fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	in := false
	for i := range len(s) {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\f', '\r':
			if !in {
				b.WriteByte(' ')
			}
			in = true
		default:
			b.WriteByte(c)
			in = false
		}
	}
	return strings.TrimSpace(b.String())
}

// maskDigits makes each run of digits one "#".
func maskDigits(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	in := false
	for i := range len(s) {
		c := s[i]
		digit := c >= '0' && c <= '9'
		if !digit {
			b.WriteByte(c)
		} else if !in {
			b.WriteByte('#')
		}
		in = digit
	}
	return b.String()
}

// mask folds, puts letters in lower case and makes each id one "#": a run of
// letters, digits, hyphens and underscores with at least one digit in it.
func mask(s string) string {
	s = strings.ToLower(fold(s))
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		start, id := i, false
		for i < len(s) {
			c, size := rune(s[i]), 1
			if c >= utf8.RuneSelf {
				c, size = utf8.DecodeRuneInString(s[i:])
			}
			digit := c >= '0' && c <= '9'
			if !digit && c != '-' && c != '_' && !unicode.IsLetter(c) {
				if i > start {
					break
				}
				i += size // a run of its own
				break
			}
			id = id || digit
			i += size
		}
		if id {
			b.WriteByte('#')
		} else {
			b.WriteString(s[start:i])
		}
	}
	return b.String()
}
