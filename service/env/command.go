package env

import "github.com/kballard/go-shellquote"

// Command returns a command line as its words, split as a shell does: quotes
// and backslashes keep a path with blanks together, nothing is expanded. It is
// nil where the variable is unset or empty.
func (r *Reader) Command(name string) []string {
	words, err := shellquote.Split(r.String(name, ""))
	if err != nil {
		r.Fail(name, "%v; write a path with blanks in quotes", err)
	}
	return words
}

// CommandLine is what Command reads as these words.
func CommandLine(words ...string) string { return shellquote.Join(words...) }
