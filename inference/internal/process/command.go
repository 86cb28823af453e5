package process

import (
	"errors"
	"os/exec"
	"strconv"
)

// Command is a program that takes llama-server's flags.
type Command struct {
	Path string
	Args []string // before llama-server's own flags
	// Guarded programs do not watch their parent's pipe themselves.
	Guarded bool
}

// ErrNoServer means that there is nothing to serve a model with.
var ErrNoServer = errors.New("no llama.cpp server was found: put llama-server on PATH, name one in LLAMA_SERVER, or name the launcher of the xllamacpp wheel in LLAMA_LAUNCHER")

// Find returns the server to use: the command named, else llama-server on
// PATH, else the launcher.
func Find(server, launcher []string) (Command, error) {
	if len(server) > 0 {
		path, err := exec.LookPath(server[0])
		return Command{Path: path, Args: server[1:], Guarded: true}, err
	}
	if path, err := exec.LookPath("llama-server"); err == nil {
		return Command{Path: path, Guarded: true}, nil
	}
	if len(launcher) == 0 {
		return Command{}, ErrNoServer
	}
	path, err := exec.LookPath(launcher[0])
	return Command{Path: path, Args: launcher[1:]}, err
}

// Model says what the server serves and how.
type Model struct {
	Base     string // GGUF file
	Adapter  string // GGUF file, or "" for the bare base
	Template string // chat template file, or "" for the one in Base
	Alias    string // the model's name in answers
	Context  int    // tokens of each slot
	Slots    int    // requests answered at the same time
	Threads  int
}

// flags are llama-server's. The context is that of all slots together.
func (m Model) flags(port int) []string {
	f := []string{
		"--host", "127.0.0.1", "--port", strconv.Itoa(port),
		"-m", m.Base, "-a", m.Alias,
		"-c", strconv.Itoa(m.Context * m.Slots), "-np", strconv.Itoa(m.Slots),
		"-t", strconv.Itoa(m.Threads),
		"--jinja", "--metrics", "--no-slots",
	}
	if m.Adapter != "" {
		f = append(f, "--lora", m.Adapter)
	}
	if m.Template != "" {
		f = append(f, "--chat-template-file", m.Template)
	}
	return f
}
