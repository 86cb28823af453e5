package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// Styles are colours where the terminal has any; all is said in words too.
type Styles struct{ title, head, good, busy, bad, faint lipgloss.Style }

// NewStyles asks the renderer what its output can show: nothing where
// NO_COLOR is set or it is no terminal.
func NewStyles(r *lipgloss.Renderer) Styles {
	colour := func(light, dark string) lipgloss.Style {
		return r.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: light, Dark: dark})
	}
	return Styles{
		title: r.NewStyle().Bold(true), head: r.NewStyle().Faint(true), faint: r.NewStyle().Faint(true),
		good: colour("28", "42"), busy: colour("26", "75"), bad: colour("160", "203"),
	}
}

// twoColumns is the width from which two stand side by side.
const twoColumns = 130

// Lines draws the picture without its header, whatever its height.
func Lines(p Picture, width int, s Styles) []string {
	left := join(stage(p, s), jobs(p, s), diary(p, s))
	right := join(pods(p, s), services(p, s), volumes(p, s))
	if width < twoColumns {
		return drawn(join(left[:1], left[1:2], right, left[2:]), width, s)
	}
	half := (width - 3) / 2
	a, b := drawn(left, width-half-3, s), drawn(right, half, s)
	var out []string
	for i := range max(len(a), len(b)) {
		out = append(out, pad(at(a, i), width-half-3)+s.faint.Render(" │ ")+at(b, i))
	}
	return out
}

// Header is what is always in sight.
func Header(p Picture, width int, s Styles) []string {
	st := p.Status
	parts := []string{s.title.Render("Understudy")}
	if st.Bypass {
		parts = append(parts, s.bad.Render("BYPASS ON: everything goes to the LLM"))
	}
	parts = append(parts, st.Mode+" "+st.Version, fmt.Sprintf("%.1f requests/s", st.RequestsPerSecond))
	var llm, slm int64
	var perSpan []int64
	for _, t := range p.Traffic.Points {
		llm, slm = llm+t.LLM, slm+t.SLM
		perSpan = append(perSpan, t.LLM+t.SLM)
	}
	if llm+slm > 0 {
		parts = append(parts, fmt.Sprintf("SLM %s of %d in %d min", percent(float64(slm)/float64(llm+slm)), llm+slm, trafficMinutes))
	}
	parts = append(parts, fmt.Sprintf("net %s in 30 days (estimate)", usd(st.SavedUSD)))
	line := strings.Join(parts, s.faint.Render(" · "))
	if drawn := spark(perSpan, min(60, width-lipgloss.Width(line)-2)); strings.TrimSpace(drawn) != "" && width-lipgloss.Width(line) > 12 {
		line += "  " + s.busy.Render(drawn)
	}
	out := []string{ansi.Truncate(line, width, "…")}
	for i, w := range st.Warnings {
		if i == 3 {
			out = append(out, s.bad.Render(fmt.Sprintf("! and %d more warnings", len(st.Warnings)-3)))
			break
		}
		out = append(out, s.bad.Render(ansi.Truncate("! "+w, width, "…")))
	}
	return out
}

// section is a titled table, or a sentence where it has no rows.
type section struct {
	title string
	table
	empty string
}

func join(lists ...[]section) []section { return slices.Concat(lists...) }

func drawn(list []section, width int, s Styles) []string {
	var out []string
	for i, x := range list {
		if i > 0 {
			out = append(out, "")
		}
		title := x.title
		if len(x.rows) > 0 {
			title = fmt.Sprintf("%s (%d)", x.title, len(x.rows))
		}
		out = append(out, s.title.Render(ansi.Truncate(title, width, "…")))
		if len(x.rows) == 0 {
			out = append(out, s.faint.Render(ansi.Truncate(x.empty, width, "…")))
			continue
		}
		out = append(out, x.lines(width, s.head)...)
	}
	return out
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-lipgloss.Width(s)))
}

func stage(p Picture, s Styles) []section {
	x := section{title: "STAGE", empty: "no endpoint yet: understudy endpoints create NAME --model MODEL",
		table: table{header: []string{"ENDPOINT", "MODEL", "PHASE", "BY SLM", "AGREES", "NET", "SLM", "LLM", "REQ/S"}}}
	for _, e := range p.Status.Endpoints {
		model, phase := "–", "no model yet"
		shown := e.Model
		if shown != nil {
			model, phase = shown.Name, shown.PhaseName
			if shown.Asleep {
				phase += ", asleep"
			}
		}
		agrees := "–"
		if e.Sampled > 0 {
			agrees = percent(e.Agreement)
		}
		if e.Bypass {
			phase += ", bypassed"
		}
		x.rows = append(x.rows, []string{e.Name, model, s.phase(shown, phase), maybePercent(e.SLMShareRecent), agrees, usd(e.SavedUSD),
			milliseconds(e.SLMP50Ms), milliseconds(e.LLMP50Ms), fmt.Sprintf("%.1f", e.RequestsPerSecond)})
	}
	return []section{x}
}

func (s Styles) phase(m *wire.Model, words string) string {
	if m == nil {
		return s.faint.Render(words)
	}
	switch p := understudy.Phase(m.Phase); {
	case p == understudy.Deployed:
		return s.good.Render(words)
	case p == understudy.Failed:
		return s.bad.Render(words)
	case p.Active():
		return s.busy.Render(words)
	}
	return words
}

func jobs(p Picture, s Styles) []section {
	x := section{title: "JOBS", empty: "nothing is being trained or examined", table: table{header: []string{"JOB", "KIND", "STATE", "AGE", "DONE"}}}
	for _, j := range p.World.Jobs {
		state := j.State
		switch state {
		case "failed":
			state = s.bad.Render(state)
		case "succeeded":
		default:
			state = s.busy.Render(state)
		}
		done := bar(j.Done, j.Total, 10)
		if live := liveOf(p, j.Name); live != nil && live.Training.ETASeconds > 0 && j.Kind == "training" {
			done += fmt.Sprintf(", loss %.3f, %d s left", live.Training.Loss, int(live.Training.ETASeconds))
		}
		if j.Reason != "" {
			done = strings.TrimSpace(done + " " + j.Reason)
		}
		x.rows = append(x.rows, []string{j.Name, j.Kind, state, age(p.At, j.StartedAt), done})
	}
	x.elastic = 4
	return []section{x}
}

func liveOf(p Picture, name string) *wire.Model {
	for _, e := range p.Status.Endpoints {
		if e.Live != nil && e.Live.Name == name {
			return e.Live
		}
	}
	return nil
}

func diary(p Picture, s Styles) []section {
	x := section{title: "EVENTS", empty: "nothing has happened yet", table: table{header: []string{"AT", "WHAT"}, elastic: 1}}
	told := map[string]bool{} // of what goes on, only how far it is
	for _, e := range p.Events {
		if goesOn := e.Kind + " " + e.ModelID; strings.HasSuffix(e.Kind, ".progress") || e.Kind == "evaluation.scored" {
			if told[goesOn] {
				continue
			}
			told[goesOn] = true
		}
		what := e.Message
		if e.Kind == "model.phase" {
			what = s.title.Render(what)
		}
		x.rows = append(x.rows, []string{e.At.Local().Format(time.TimeOnly), what})
	}
	return []section{x}
}

func pods(p Picture, s Styles) []section {
	x := section{title: "PODS", empty: "none is known", table: table{header: []string{"POD", "STATE", "RESTARTS", "AGE", "WHY NOT READY"}}}
	for _, pod := range p.World.Pods {
		state := s.busy.Render(pod.Phase + ", not ready")
		switch {
		case pod.Ready:
			state = s.good.Render("ready")
		case pod.Phase == "Succeeded":
			state = "done"
		case pod.Phase == "Failed":
			state = s.bad.Render("failed")
		}
		restarts := fmt.Sprint(pod.Restarts)
		if pod.Restarts > 0 {
			restarts = s.bad.Render(restarts)
		}
		x.rows = append(x.rows, []string{pod.Name, state, restarts, age(p.At, pod.StartedAt), pod.Reason})
	}
	return []section{x}
}

func services(p Picture, s Styles) []section {
	x := section{title: "SERVICES", empty: "none is known", table: table{header: []string{"SERVICE", "ADDRESS", "READY"}}}
	for _, v := range p.World.Services {
		ready := fmt.Sprint(v.Ready)
		if v.Ready == 0 {
			ready = s.bad.Render("none")
		}
		x.rows = append(x.rows, []string{v.Name, v.Address, ready})
	}
	return []section{x}
}

func volumes(p Picture, s Styles) []section {
	x := section{title: "VOLUMES", empty: "none is known", table: table{header: []string{"VOLUME", "STATE", "USED", "OF", "WHERE"}, elastic: 4}}
	for _, v := range p.World.Volumes {
		state := v.Phase
		if state != "Bound" {
			state = s.bad.Render(state)
		}
		x.rows = append(x.rows, []string{v.Name, state, size(v.UsedBytes), size(v.CapacityBytes), v.Where})
	}
	return []section{x}
}
