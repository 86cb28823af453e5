package sse

import "bytes"

// parse finds an event's data.
func (e *Event) parse() {
	lines := 0
	for rest := e.Raw; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "error":
			e.Error = true
			fallthrough
		case "data":
			if lines++; lines == 1 {
				e.Data = value[:len(value):len(value)]
			} else {
				e.Data = append(append(e.Data, '\n'), value...)
			}
		case "event":
			e.Error = e.Error || string(value) == "error"
		}
	}
}

// Done reports whether the event is the end marker of an OpenAI stream.
func (e Event) Done() bool { return string(bytes.TrimSpace(e.Data)) == "[DONE]" }
