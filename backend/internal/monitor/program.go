package monitor

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"understudy.dev/backend/internal/client"
)

// between is the pause from one picture to the next.
const between = time.Second

// Run shows the platform until a key or ctx ends it.
func Run(ctx context.Context, api *client.Client, in io.Reader, out io.Writer) error {
	m := &program{ctx: ctx, api: api, styles: NewStyles(lipgloss.NewRenderer(out)), width: 80, height: 24}
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithAltScreen()).Run()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// program is what is on the screen.
type program struct {
	ctx    context.Context
	api    *client.Client
	styles Styles

	width, height int
	offset        int // lines scrolled past
	picture       Picture
	seen          bool
	trouble       error
	asking        bool   // whether to switch the bypass
	said          string // what came of the last key
}

type (
	looked   struct{ Picture }
	failed   struct{ error }
	again    struct{}
	switched struct {
		on  bool
		err error
	}
)

func (m *program) Init() tea.Cmd { return m.look }

func (m *program) look() tea.Msg {
	p, err := Look(m.ctx, m.api)
	if err != nil {
		return failed{err}
	}
	return looked{p}
}

func (m *program) bypass(on bool) tea.Cmd {
	return func() tea.Msg {
		b, err := m.api.SetBypass(m.ctx, "", on)
		return switched{b.Bypass, err}
	}
}

func wait() tea.Cmd { return tea.Tick(between, func(time.Time) tea.Msg { return again{} }) }

func (m *program) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case looked:
		m.picture, m.seen, m.trouble = msg.Picture, true, nil
		return m, wait()
	case failed:
		m.trouble = msg.error
		return m, wait()
	case again:
		return m, m.look
	case switched:
		m.said = map[bool]string{true: "Bypass is on: everything goes to the LLM.", false: "Bypass is off: requests are routed again."}[msg.on]
		if msg.err != nil {
			m.said = "Bypass: " + msg.err.Error()
		}
		return m, m.look
	case tea.KeyMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

func (m *program) key(k string) tea.Cmd {
	if m.asking {
		m.asking, m.said = false, ""
		if k == "y" {
			return m.bypass(!m.picture.Status.Bypass)
		}
		m.said = "Nothing was changed."
		if k == "ctrl+c" {
			return tea.Quit
		}
		return nil
	}
	m.said = ""
	page := max(1, m.body()-1)
	switch k {
	case "q", "ctrl+c", "esc":
		return tea.Quit
	case "down", "j":
		m.offset++
	case "up", "k":
		m.offset--
	case "pgdown", " ", "right":
		m.offset += page
	case "pgup", "left":
		m.offset -= page
	case "home", "g":
		m.offset = 0
	case "end", "G":
		m.offset = 1 << 20
	case "b":
		m.asking = m.seen
	}
	return nil
}

// body is how many lines are left between header and footer.
func (m *program) body() int {
	return max(1, m.height-len(Header(m.picture, m.width, m.styles))-2)
}

func (m *program) View() string {
	if !m.seen {
		if m.trouble != nil {
			return ansi.Wrap(m.trouble.Error(), m.width, "") + "\n\nq ends the monitor; it looks again every second.\n"
		}
		return "looking …\n"
	}
	header := Header(m.picture, m.width, m.styles)
	lines := Lines(m.picture, m.width, m.styles)
	body := m.body()
	m.offset = max(0, min(m.offset, len(lines)-body))
	lines = lines[m.offset:min(len(lines), m.offset+body)]
	for len(lines) < body {
		lines = append(lines, "")
	}
	out := append(append(header, ""), lines...)
	return strings.Join(append(out, m.footer()), "\n")
}

func (m *program) footer() string {
	text := fmt.Sprintf("q quit · ↑↓ scroll · b bypass · %s", m.picture.At.Local().Format(time.TimeOnly))
	switch {
	case m.asking && m.picture.Status.Bypass:
		text = m.styles.bad.Render("End the bypass and route requests again? y/n")
	case m.asking:
		text = m.styles.bad.Render("Send everything to the LLM? y/n")
	case m.trouble != nil:
		text = m.styles.bad.Render("no answer since " + m.picture.At.Local().Format(time.TimeOnly) + ": " + m.trouble.Error())
	case m.said != "":
		text = m.said + "  " + m.styles.faint.Render(text)
	}
	return ansi.Truncate(text, m.width, "…")
}
