package play

import (
	"fmt"
	"strings"
	"testing"
)

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"question %d"},{"role":"assistant","content":"a"}]}`+"\n", i)
	}
	return b.String()
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	good := lines(MinConversations)
	for name, c := range map[string]struct{ in, want string }{
		"a good file":            {good, ""},
		"blank lines":            {good + "\n\n", ""},
		"an empty file":          {"", "0 different conversations"},
		"too few":                {lines(20), "20 different conversations"},
		"the same again":         {strings.Repeat(lines(1), MinConversations), "1 different conversations"},
		"not JSON":               {"x\n" + good, "line 1: is not a JSON object"},
		"a number":               {good + "7\n", fmt.Sprintf("line %d", MinConversations+1)},
		"no answer":              {`{"messages":[{"role":"user","content":"q"}]}` + "\n" + good, "line 1"},
		"the user speaks last":   {`{"messages":[{"role":"user","content":"q"},{"role":"user","content":"q"}]}` + "\n" + good, "not the assistant's"},
		"a message of no role":   {`{"messages":[{"content":"q"},{"role":"assistant","content":"a"}]}` + "\n" + good, "no role"},
		"bytes that are no text": {"{\"messages\":\"\xff\xfe\"}\n" + good, "line 1: is not UTF-8"},
		"many broken lines":      {strings.Repeat("x\n", 30) + good, "and 20 more"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.in))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestLoadSaysThatTheFileIsMissing(t *testing.T) {
	if _, err := Load(t.TempDir() + "/none.jsonl"); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(lines(2))
	f.Add(`{"messages":[{"role":"user","content":[{"type":"text","text":"q"}]},{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]}]}`)
	f.Fuzz(func(_ *testing.T, in string) { _, _ = Read(strings.NewReader(in)) })
}
