package play

import (
	"math/rand/v2"
	"strings"
)

// expand writes one sentence of a small grammar: {a|b|c} is one of these,
// nested as one likes, and <name> is one of the lists' entries.
func expand(r *rand.Rand, lists map[string][]string, s string) string {
	var b strings.Builder
	for len(s) > 0 {
		switch s[0] {
		case '{':
			inner, rest := matching(s)
			options := split(inner)
			b.WriteString(expand(r, lists, options[r.IntN(len(options))]))
			s = rest
		case '<':
			end := strings.IndexByte(s, '>')
			b.WriteString(expand(r, lists, pick(r, lists[s[1:end]])))
			s = s[end+1:]
		default:
			end := strings.IndexAny(s, "{<")
			if end < 0 {
				end = len(s)
			}
			b.WriteString(s[:end])
			s = s[end:]
		}
	}
	return b.String()
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// matching returns what stands inside the braces that s begins with, and the
// rest behind them.
func matching(s string) (inner, rest string) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
			if depth == 0 {
				return s[1:i], s[i+1:]
			}
		}
	}
	panic("grammar: a brace is not closed in " + s)
}

// split cuts at the bars that stand in no inner braces.
func split(s string) []string {
	var out []string
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '|':
			if depth == 0 {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	return append(out, s[start:])
}
