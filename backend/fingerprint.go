package understudy

// FingerprintMode says what tells one task from another.
type FingerprintMode string

const (
	FingerprintAuto  FingerprintMode = "auto"  // full, until most requests bring a system prompt of their own; then tools
	FingerprintFull  FingerprintMode = "full"  // system messages, tools and response_format
	FingerprintTools FingerprintMode = "tools" // without system messages, where those vary
)

// TaskMode is the mode in force: full or tools.
func (e Endpoint) TaskMode() FingerprintMode {
	if e.Fingerprint == FingerprintTools || e.Fingerprint == FingerprintAuto && e.PromptVaries {
		return FingerprintTools
	}
	return FingerprintFull
}

// ChooseFingerprint sets the mode as a person wants it. Choosing auto again
// lets it be judged anew.
func (e *Endpoint) ChooseFingerprint(mode FingerprintMode) {
	e.Fingerprint, e.PromptVaries = mode, false
}

// Refingerprint returns, in mode, the fingerprint of a request that was stored
// with one: a task that the client named itself keeps its name.
func (c Chat) Refingerprint(stored string, mode FingerprintMode) string {
	full, tools := c.TaskFingerprint(FingerprintFull, ""), c.TaskFingerprint(FingerprintTools, "")
	switch {
	case stored != full && stored != tools:
		return stored
	case mode == FingerprintTools:
		return tools
	}
	return full
}

// VarietySample is how many of the newest conversations a Variety is judged by,
// and leastVariety how few are enough.
const (
	VarietySample = 500
	leastVariety  = 50
)

// Variety says how many of an endpoint's conversations have a task that hardly
// any other has.
type Variety struct{ Conversations, Alone int }

// VarietyOf counts the fingerprints of conversations, one each. A task is rare
// when at most a fiftieth of them have it: with fewer than a hundred
// conversations that is a task seen once, with 500 one seen up to ten times.
func VarietyOf(fingerprints []string) Variety {
	times := map[string]int{}
	for _, f := range fingerprints {
		times[f]++
	}
	v := Variety{Conversations: len(fingerprints)}
	for _, n := range times {
		if n <= max(1, len(fingerprints)/50) {
			v.Alone += n
		}
	}
	return v
}

// Most reports whether that is so for more than half of enough conversations.
func (v Variety) Most() bool {
	return v.Conversations >= leastVariety && 2*v.Alone > v.Conversations
}
