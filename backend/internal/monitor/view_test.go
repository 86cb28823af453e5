package monitor

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"understudy.dev/backend/internal/wire"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func some[T any](v T) *T { return &v }

func picture() Picture {
	began := now.Add(-90 * time.Second)
	live := &wire.Model{Name: "triage-v2", Phase: "training", PhaseName: "Training", Training: wire.Training{Loss: 0.42, ETASeconds: 61}}
	return Picture{At: now, URL: "http://x", Status: wire.Status{
		Mode: "local", Version: "1", RequestsPerSecond: 3.25, SavedUSD: -1.5, Warnings: []string{"The disk is full."},
		Endpoints: []wire.EndpointStatus{
			{Name: "triage", Sampled: 20, Agreement: 0.95, SLMShareRecent: some(0.8), SLMP50Ms: some(35.0), LLMP50Ms: some(1234.0), RequestsPerSecond: 3.25, SavedUSD: 12.5,
				Model: &wire.Model{Name: "triage-v1", Phase: "deployed", PhaseName: "Deployed"}, Live: live},
			{Name: "empty"},
		}},
		World: wire.World{
			Pods:     []wire.Pod{{Name: "backend-1", Ready: true, StartedAt: &began}, {Name: "slm-triage-v1-x", Phase: "Pending", Restarts: 3, Reason: "The image cannot be pulled."}},
			Services: []wire.Service{{Name: "backend-service", Address: "10.0.0.9:8000", Ready: 2}, {Name: "redis", Address: "10.0.0.8:6379"}},
			Volumes:  []wire.Volume{{Name: "data", Phase: "Bound", CapacityBytes: 20 << 30, UsedBytes: 300 << 20, Where: "/data"}},
			Jobs:     []wire.Job{{Name: "triage-v2", Kind: "training", State: "training", Done: 30, Total: 120, StartedAt: &began}},
		},
		Traffic: wire.Traffic{Points: []wire.TrafficPoint{{LLM: 1}, {}, {SLM: 4}}},
		Events:  []wire.Event{{At: now, Kind: "model.phase", Message: "triage-v2: Training"}},
	}
}

func plain() Styles { return NewStyles(lipgloss.NewRenderer(&bytes.Buffer{})) }

func screen(p Picture, width int) string {
	return strings.Join(append(Header(p, width, plain()), Lines(p, width, plain())...), "\n")
}

func TestEverythingIsOnTheScreen(t *testing.T) {
	for _, width := range []int{80, 120, 200} {
		s := screen(picture(), width)
		for _, want := range []string{
			"3.2 requests/s", "SLM 80 % of 5 in 5 min", "net -$1.50", "The disk is full.", "triage-v1", "Deployed", "80 %", "95 %", "35 ms", "1.2 s",
			"no model yet", "backend-1", "ready", "90 s", "Pending, not ready", "10.0.0.9:8000", "300 MiB", "20 GiB", "██░░░░░░░░ 30/120", "loss 0.420, 61 s left", "triage-v2: Training",
		} {
			if !strings.Contains(s, want) {
				t.Errorf("%d columns do not show %q:\n%s", width, want, s)
			}
		}
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	p := picture()
	p.Events[0].Message = strings.Repeat("a long story ", 40)
	p.World.Pods[1].Reason = strings.Repeat("日本語 ", 40)
	p.Status.Endpoints[0].Name = strings.Repeat("e", 32)
	for width := 20; width < 260; width++ {
		for _, line := range strings.Split(screen(p, width), "\n") {
			if lipgloss.Width(line) > width {
				t.Fatalf("%d columns: a line of %d: %q", width, lipgloss.Width(line), line)
			}
		}
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	if s := screen(picture(), 120); strings.Contains(s, "\x1b") {
		t.Errorf("a file gets colours: %q", s)
	}
	r := lipgloss.NewRenderer(&bytes.Buffer{})
	r.SetColorProfile(termenv.ANSI256)
	if s := strings.Join(Lines(picture(), 120, NewStyles(r)), "\n"); !strings.Contains(s, "\x1b[") {
		t.Error("a terminal gets none")
	}
}

func TestAnEmptyPlatformSaysWhatIsNext(t *testing.T) {
	if s := screen(Picture{At: now}, 100); !strings.Contains(s, "understudy endpoints create") || !strings.Contains(s, "nothing is being trained") {
		t.Errorf("got\n%s", s)
	}
}

func TestProgressIsToldOnce(t *testing.T) {
	p := picture()
	for range 5 {
		p.Events = append(p.Events, wire.Event{Kind: "training.progress", ModelID: "m", Message: "step 5 of 9"}, wire.Event{Kind: "training.progress", ModelID: "n", Message: "step 1 of 9"})
	}
	if s := screen(p, 120); strings.Count(s, "step 5 of 9") != 1 || strings.Count(s, "step 1 of 9") != 1 {
		t.Errorf("got\n%s", s)
	}
}

func TestSmallSumsAreNotNothing(t *testing.T) {
	for x, want := range map[float64]string{0: "$0.00", -0.0014: "-$0.0014", 0.5: "$0.50", 1234: "$1234"} {
		if got := usd(x); got != want {
			t.Errorf("%g is %s, want %s", x, got, want)
		}
	}
}

func key(s string) tea.KeyMsg {
	switch s {
	case "down":
		return tea.KeyMsg{Type: tea.KeyDown}
	case "ctrl+c":
		return tea.KeyMsg{Type: tea.KeyCtrlC}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)}
}

func TestTheBypassAsksFirst(t *testing.T) {
	m := &program{ctx: context.Background(), styles: plain(), width: 100, height: 30}
	if _, cmd := m.Update(key("b")); cmd != nil || m.asking {
		t.Error("it asks before it knows how the switch is")
	}
	m.Update(looked{picture()})
	m.Update(key("b"))
	if !strings.Contains(m.View(), "Send everything to the LLM? y/n") {
		t.Errorf("it does not ask:\n%s", m.View())
	}
	if _, cmd := m.Update(key("n")); cmd != nil || !strings.Contains(m.View(), "Nothing was changed.") {
		t.Errorf("no is not no:\n%s", m.View())
	}
	m.Update(key("b"))
	if _, cmd := m.Update(key("y")); cmd == nil {
		t.Error("yes does nothing")
	}
	m.Update(switched{on: true})
	if !strings.Contains(m.View(), "Bypass is on") {
		t.Errorf("it does not say so:\n%s", m.View())
	}
	m.Update(switched{err: errors.New("the backend is away")})
	if !strings.Contains(m.View(), "the backend is away") {
		t.Errorf("an error is not shown:\n%s", m.View())
	}
}

func TestTheScreenIsFilledAndScrolls(t *testing.T) {
	m := &program{ctx: context.Background(), styles: plain()}
	m.Update(tea.WindowSizeMsg{Width: 60, Height: 12})
	m.Update(looked{picture()})
	first := m.View()
	if n := strings.Count(first, "\n") + 1; n != 12 {
		t.Errorf("%d lines on a screen of 12:\n%s", n, first)
	}
	m.Update(key("down"))
	if m.View() == first {
		t.Error("an arrow does not scroll")
	}
	m.Update(key("G"))
	if !strings.Contains(m.View(), "triage-v2: Training") {
		t.Errorf("the end is not the end:\n%s", m.View())
	}
	m.Update(key("g"))
	if m.View() != first {
		t.Error("the beginning is not the beginning")
	}
	if _, cmd := m.Update(key("q")); cmd == nil || cmd() != tea.Quit() {
		t.Error("q does not end it")
	}
}

func TestAPlatformThatIsAwayIsSaidSoBesideTheLastPicture(t *testing.T) {
	m := &program{ctx: context.Background(), styles: plain(), width: 100, height: 30}
	m.Update(failed{errors.New("no Understudy answers")})
	if v := m.View(); !strings.Contains(v, "no Understudy answers") || !strings.Contains(v, "q ends") {
		t.Errorf("got\n%s", v)
	}
	m.Update(looked{picture()})
	m.Update(failed{errors.New("no Understudy answers")})
	if v := m.View(); !strings.Contains(v, "no answer since") || !strings.Contains(v, "triage-v1") {
		t.Errorf("got\n%s", v)
	}
}
