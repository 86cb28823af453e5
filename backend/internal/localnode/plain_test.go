package localnode

import "testing"

func TestALogLineIsReducedToWhatItSays(t *testing.T) {
	for line, want := range map[string]string{
		`time=2026-01-01T00:00:00Z level=ERROR msg=ended error="pull \"x\": no such file"`: `pull "x": no such file`,
		`time=2026-01-01T00:00:00Z level=ERROR msg="it ended" pid=3 error=EOF`:             `EOF`,
		`time=2026-01-01T00:00:00Z level=INFO msg="it is listening" addr=:8080`:            `it is listening`,
		`llama_model_load: error loading model`:                                            `llama_model_load: error loading model`,
		`time=now level=`:                                                                  `time=now level=`,
		``:                                                                                 ``,
	} {
		if got := plain(line); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
}
