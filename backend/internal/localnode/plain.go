package localnode

import (
	"regexp"
	"strconv"
)

// logged matches a line of slog's text handler, which our programs write.
var logged = regexp.MustCompile(`^time=\S+ level=\S+ msg=("(?:[^"\\]|\\.)*"|\S+)(?:.* (?:error|err)=("(?:[^"\\]|\\.)*"|\S+))?`)

// plain takes what a person wants to read out of a log line: its error, else
// its message. Other lines stay as they are.
func plain(line string) string {
	m := logged.FindStringSubmatch(line)
	if m == nil {
		return line
	}
	said := m[1]
	if m[2] != "" {
		said = m[2]
	}
	if s, err := strconv.Unquote(said); err == nil {
		return s
	}
	return said
}
