package env

import (
	"slices"
	"strings"
	"testing"
)

func TestACommandIsSplitAsAShellDoes(t *testing.T) {
	for line, want := range map[string][]string{
		"":                           nil,
		"  ":                         nil,
		"python -m understudy_agent": {"python", "-m", "understudy_agent"},
		`"/Users/A B/bin/python" -m understudy_agent`:  {"/Users/A B/bin/python", "-m", "understudy_agent"},
		`/Users/A\ B/bin/python '-c' 'print("hello")'`: {"/Users/A B/bin/python", "-c", `print("hello")`},
		`run '' "$HOME" *`: {"run", "", "$HOME", "*"},
	} {
		r := reader(map[string]string{"C": line})
		if got := r.Command("C"); !slices.Equal(got, want) || r.Err() != nil {
			t.Errorf("%s: got %q, %v; want %q", line, got, r.Err(), want)
		}
	}
}

func TestAnOpenQuoteIsAMistakeThatNamesItsVariable(t *testing.T) {
	r := reader(map[string]string{"AGENT_COMMAND": `"/Users/A B/bin/python -m understudy_agent`})
	r.Command("AGENT_COMMAND")
	if err := r.Err(); err == nil || !strings.HasPrefix(err.Error(), "AGENT_COMMAND: ") {
		t.Errorf("got %v", err)
	}
}

func TestACommandLineIsReadAsTheWordsItWasMadeOf(t *testing.T) {
	for _, words := range [][]string{
		{"python", "-m", "understudy_agent"},
		{"/Users/A B/O'Brien's/python", "-m", "", `a "quoted" one`, `back\slash`, "#no comment", "new\nline", "ünï"},
	} {
		r := reader(map[string]string{"C": CommandLine(words...)})
		if got := r.Command("C"); !slices.Equal(got, words) || r.Err() != nil {
			t.Errorf("got %q, %v; want %q", got, r.Err(), words)
		}
	}
}
